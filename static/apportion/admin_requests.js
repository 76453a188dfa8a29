/* Keys for whoever decides on many requests. They move and open; a form's button decides. */
"use strict";
(() => {
  const KEPT = "apportion.keys";
  const dialog = document.getElementById("keys");
  const box = document.getElementById("keys-on");
  if (!dialog || !box) return;

  const isOn = () => {
    try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; }
  };
  const turn = (on) => {
    try { localStorage.setItem(KEPT, on ? "on" : "off"); } catch { /* for this page only */ }
  };
  const typing = (target) => target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("#result_list tbody tr")];
  const current = () => document.querySelector("#result_list tr.current");

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    all.forEach((row) => row.classList.toggle("current", row === next));
    next.querySelector("th a, td a").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const open = () => current()?.querySelector("th a, td a")?.click();
  const decide = (verb) => {
    const form = document.getElementById(verb);
    if (form instanceof HTMLDetailsElement) return reveal(form);
    current()?.querySelector(`a.act[href$="/${verb}/"], a.act[href*="/${verb}/?"]`)?.click();
  };
  const reveal = (form) => {
    form.open = true;
    form.querySelector("textarea").focus();
    form.scrollIntoView({ block: "nearest" });
  };
  const KEYS = {
    j: () => move(1), k: () => move(-1), o: open,
    a: () => decide("approve"), r: () => decide("reject"), q: () => decide("ask"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open || !isOn() || typing(event.target)) return;
    if (event.key === "?") { event.preventDefault(); dialog.showModal(); return; }
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.getElementById("result_list")?.addEventListener("focusin", (event) => {
    const row = event.target.closest("tbody tr");
    if (row) rows().forEach((one) => one.classList.toggle("current", one === row));
  });
  document.querySelectorAll(".keys-open").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  });
  box.checked = isOn();
  box.addEventListener("change", () => turn(box.checked));

  /* A form that was opened by its address is where the reader wants to be. */
  const opened = document.querySelector("details.verb[open]");
  if (opened) reveal(opened);
  /* A second click sends nothing twice; the server would not take it twice either. */
  document.querySelectorAll("details.verb form").forEach((form) => {
    form.addEventListener("submit", () => form.querySelector("button").setAttribute("aria-disabled", "true"));
  });
})();
