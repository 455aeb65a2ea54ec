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
  // A page is drawn when it is whole: the columns of a table that is still being read
  // would move.
  const whole = document.createElement("link");
  whole.rel = "expect";
  whole.href = "#toasts";
  whole.setAttribute("blocking", "render");
  document.head.append(whole);
  // A field that belongs to a choice is shown while that choice is made: decided as
  // it is parsed, so that nothing below it moves.
  const fields = () => {
    for (const part of document.querySelectorAll("[data-when]")) {
      const [name, value] = part.dataset.when.split("=");
      const scope = part.closest("form") || document;
      const box = scope.querySelector(`[name="${CSS.escape(name)}"]:checked`) || scope.querySelector(`select[name="${CSS.escape(name)}"]`);
      part.hidden = (box?.value ?? "") !== value;
    }
  };
  const parsed = new MutationObserver(fields);
  parsed.observe(root, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => { parsed.disconnect(); fields(); });
  document.addEventListener("change", fields);
  document.addEventListener("htmx:after:swap", fields);
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
