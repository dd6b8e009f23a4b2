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
