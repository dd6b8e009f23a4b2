// A name that is wider than its column breaks after an underscore or a dot.
for (const name of document.querySelectorAll(".bd-sidebar a, .bd-sidebar-secondary code .pre, .prev-next-title, article td code .pre")) {
  for (const part of [...name.childNodes].filter(node => node.nodeType === Node.TEXT_NODE)) {
    const pieces = part.data.split(/(?<=[_.])(?=\w)/);
    part.replaceWith(...pieces.flatMap((piece, i) => (i ? [document.createElement("wbr"), piece] : [piece])));
  }
}

// An equation that is wider than the text is set smaller: MathJax 3 breaks no lines.
(() => {
  const fit = () => {
    for (const box of document.querySelectorAll('mjx-container[display="true"]')) {
      box.style.fontSize = "";
      const room = box.clientWidth / box.scrollWidth;
      if (room < 1) box.style.fontSize = `${Math.floor(99 * room)}%`;
    }
  };
  addEventListener("load", () => window.MathJax?.startup?.promise.then(fit));
  addEventListener("resize", fit);
})();
