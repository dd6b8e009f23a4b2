// What `check_pages.py` reads from a page that is open in a browser. LEAST is the least contrast.
() => ({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
    equations: document.querySelectorAll('.math').length,
    rendered: document.querySelectorAll('.math mjx-container').length,
    errors: document.querySelectorAll('mjx-merror, .math .merror').length,
    wide: [...document.querySelectorAll('article pre, article table, article mjx-container[display="true"], .bd-sidebar-secondary, .bd-sidebar-primary, .prev-next-area')]
        .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
        .map(e => `${e.tagName.toLowerCase()} ${e.scrollWidth} > ${e.clientWidth}: ${e.textContent.trim().slice(0, 50)}`),
    signatures: [...document.querySelectorAll('dt.sig')].map(e => e.textContent)
        .filter(text => /Annotated|typing\.|jaxlib|_Supports|~/.test(text)).map(text => text.trim().slice(0, 60)),
    unnamed: [...document.images].filter(i => i.closest('article') && (!i.alt || /[0-9a-f]{16}|\.(png|svg)$/.test(i.alt)))
        .map(i => i.src),
    captionless: [...document.querySelectorAll('article img')]
        .filter(i => !i.closest('figure')?.querySelector('figcaption') && !i.closest('a.badge, .no-caption'))
        .map(i => i.src),
    faint: (() => {
        const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = e => {
            for (; e; e = e.parentElement) {
                const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
                if (a > 0.99) return [r, g, b];
            }
            return [255, 255, 255];
        };
        const found = new Map();
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const e = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('svg, mjx-container, button, .headerlink, kbd, .search-button__kbd-shortcut'))
                continue;
            const [x, y] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
            const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
            if (ratio < LEAST) found.set(e.className || e.tagName, `${ratio.toFixed(1)}: ${walker.currentNode.data.trim().slice(0, 30)}`);
        }
        return [...found].map(([kind, text]) => `${kind} ${text}`);
    })(),
    links: [...document.querySelectorAll('a[href]')].map(a => a.href),
    anchors: [...document.querySelectorAll('[id]')].map(e => e.id),
})
