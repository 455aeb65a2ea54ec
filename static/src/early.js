// Runs before the first paint: the chosen theme, or the system's, without a flash.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch {}
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    root.classList.toggle("dark", dark);
    root.classList.toggle("light", !dark);
  };
  show();
  system.addEventListener("change", show);
  addEventListener("storage", (e) => { if (e.key === "theme") { chosen = e.newValue; show(); } });
  document.addEventListener("click", (e) => {
    if (!e.target.closest?.("[data-theme-switch]")) return;
    chosen = root.classList.contains("dark") ? "light" : "dark";
    try { localStorage.setItem("theme", chosen); } catch {}
    show();
  });
})();
