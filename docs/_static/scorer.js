// How the search ranks a page. First comes a page whose title, heading or other names (docs/reference/synonyms.md)
// are the words of the query; then guides and the reference; then the ports of other libraries, whose many names
// contain the same words.
var Scorer = (() => {
  // What the stemmer is made of loads after this script.
  let stemmer;
  const words = text => {
    stemmer ||= new Stemmer();
    const all = splitQuery(text.toLowerCase());
    const telling = all.filter(word => !stopwords.has(word));
    return new Set((telling.length ? telling : all).map(word => stemmer.stemWord(word)));
  };

  // From 0 to 1: which part of the words of a text and the query the two have in common.
  let query;
  const fit = text => {
    query ||= words(new URLSearchParams(location.search).get("q") || "");
    const its = words(text);
    const common = [...its].filter(word => query.has(word)).length;
    return common / (its.size + query.size - common || 1);
  };

  // By the number of a page, how well the best of its other names fits.
  let best;
  const named = docname => {
    if (!best) {
      best = new Map();
      for (const [entry, places] of Object.entries(Search._index.indexentries))
        for (const [file, , main] of places)
          if (main) best.set(file, Math.max(best.get(file) || 0, fit(entry)));
    }
    return best.get(Search._index.docnames.indexOf(docname)) || 0;
  };

  const weights = [
    [/^coming_from\//, 0.25],
    [/^(guides|start)\//, 2],
    [/^(trust\/|contributing|changelog|reference\/synonyms)/, 0.5],
    [/^_generated\/notebooks\//, 0.75],
  ];
  return {
    score: ([docname, title, anchor, description, score]) => {
      const weight = (weights.find(([pattern]) => pattern.test(docname)) || [, 1])[1];
      const own = Math.max(...title.split(" > ").map(part => fit(part.split(".").pop())));
      return weight * Math.min(score, 30) + 60 * Math.max(own, named(docname)) - (anchor ? 1 : 0);
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
})();
