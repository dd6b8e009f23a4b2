// How the search ranks a page. Guides and the reference come first; the ports of other libraries, whose many names
// contain the same words, come last unless the query is one of their names.
var Scorer = {
  score: ([docname, title, anchor, description, score]) => {
    const query = (new URLSearchParams(location.search).get("q") || "").trim().toLowerCase();
    const name = title.toLowerCase().split(".").pop();
    if (name === query) return score + 100;
    if (docname.startsWith("coming_from/")) return score / 4;
    if (docname.startsWith("guides/") || docname.startsWith("start/")) return score * 2 + (anchor ? 0 : 5);
    if (docname.startsWith("trust/") || docname === "contributing" || docname === "changelog") return score / 2;
    if (docname.startsWith("_generated/notebooks/")) return score * 0.75;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
