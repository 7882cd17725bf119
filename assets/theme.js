/* Runs before the first paint, so that a dark page never flashes light. */
(function () {
  var root = document.documentElement, dark = window.matchMedia("(prefers-color-scheme: dark)");
  function choice() {
    try { return localStorage.getItem("dashboard311-theme") || "auto"; } catch (e) { return "auto"; }
  }
  function apply() {
    var chosen = choice();
    root.dataset.themeChoice = chosen;
    root.dataset.bsTheme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    document.dispatchEvent(new Event("theme"));
  }
  window.dashboard311Theme = function (chosen) {
    try { localStorage.setItem("dashboard311-theme", chosen); } catch (e) { /* a private window forgets */ }
    apply();
  };
  dark.addEventListener("change", apply);
  apply();
})();
