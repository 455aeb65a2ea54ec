// A button at the corner of any page, and behind it a chat of Latchkey in a frame.
// <script src="https://…/embed.js" data-key="…" defer></script>; further
// attributes: data-bot, data-identity (what your server signed), data-label,
// data-colour, data-side ("left"), data-locale, data-open. It keeps nothing in
// your page, and hears and tells only the frame's own origin.
(() => {
  const script = document.currentScript, set = script.dataset;
  if (!set.key) { console.error("Latchkey: data-key is missing"); return; }
  const home = new URL(script.src, location.href).origin;
  let address = home + "/embed/" + encodeURIComponent(set.key);
  if (set.bot) address += "/bots/" + encodeURIComponent(set.bot);
  if (set.locale) address += "?locale=" + encodeURIComponent(set.locale);
  const chinese = /^zh/i.test(set.locale || document.documentElement.lang || navigator.language);
  const label = set.label || (chinese ? "打开聊天" : "Open chat");
  const side = set.side === "left" ? "left" : "right";
  const dress = (node, styles) => { for (const name in styles) node.style.setProperty(name, styles[name], "important"); };
  const narrow = matchMedia("(max-width: 480px)");

  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", label);
  button.title = label;
  dress(button, {
    all: "initial", position: "fixed", bottom: "20px", [side]: "20px", width: "56px", height: "56px", "border-radius": "50%", cursor: "pointer",
    display: "grid", "place-items": "center", "z-index": "2147483000", background: set.colour || "#204ec3", color: "#fff", "box-shadow": "0 6px 20px rgba(0,0,0,.25)",
  });
  button.addEventListener("focus", () => { if (button.matches(":focus-visible")) dress(button, { outline: "3px solid #fff", "outline-offset": "-6px" }); });
  button.addEventListener("blur", () => button.style.removeProperty("outline"));
  const drawn = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(svg.namespaceURI, "path");
    for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", "26"], ["height", "26"], ["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "2"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };
  const speech = drawn("M21 12a8.5 8.5 0 0 1-12.4 7.5L3 21l1.6-5.2A8.5 8.5 0 1 1 21 12z"), cross = drawn("M18 6 6 18M6 6l12 12");
  button.append(speech);

  let frame = null, identity = set.identity, shown = false;
  const hello = () => {
    if (!frame) return;
    const said = { latchkey: "hello", bubble: narrow.matches, identity: identity || "" };
    frame.contentWindow.postMessage(said, home);
  };
  function place() {
    if (!frame) return;
    const all = narrow.matches;
    dress(frame, {
      all: "initial", position: "fixed", "z-index": "2147483001", border: "0", background: "Canvas", "color-scheme": "light dark",
      bottom: all ? "0" : "88px", [side]: all ? "0" : "20px", width: all ? "100%" : "400px", height: all ? "100%" : "min(640px, calc(100vh - 108px))",
      "border-radius": all ? "0" : "14px", "box-shadow": "0 12px 40px rgba(0,0,0,.28)", display: shown ? "block" : "none",
    });
  }
  function show(open) {
    shown = open;
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.setAttribute("allow", "clipboard-write");
      frame.referrerPolicy = "origin";
      frame.addEventListener("load", hello);
      frame.src = address;
      document.body.append(frame);
    }
    place();
    button.setAttribute("aria-expanded", String(open));
    button.replaceChildren(open ? cross : speech);
    if (open) frame.focus(); else button.focus();
  }
  narrow.addEventListener("change", place);
  button.addEventListener("click", () => show(!shown));
  addEventListener("message", (e) => {
    if (!frame || e.origin !== home || e.source !== frame.contentWindow || !e.data || typeof e.data !== "object") return;
    if (e.data.latchkey === "close" && shown) show(false);
  });
  // For pages that learn later who the visitor is, or that nobody is any more.
  window.Latchkey = {
    open: () => show(true), close: () => show(false),
    identify: (token) => { identity = token; if (frame) frame.src = address; },
  };
  const start = () => { document.body.append(button); if ("open" in set) show(true); };
  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
})();
