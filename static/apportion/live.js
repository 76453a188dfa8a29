// A form that shows what it would do as one types. <form data-live="address" data-live-into="id">
// asks its address by GET for a fragment and puts it into the element of that id; a button marked
// data-live-button does the same without a script and is not needed with one. What is written in a
// textarea changes no figure and stays out of the address. A form is sent once.
"use strict";

const PAUSE = 400;
function question(form) {
  const address = new URL(form.dataset.live, window.location.href);
  for (const [name, value] of new FormData(form)) {
    const field = form.elements.namedItem(name);
    const told = name !== "csrfmiddlewaretoken" && !(field instanceof HTMLTextAreaElement);
    if (told && typeof value === "string") address.searchParams.append(name, value);
  }
  return address;
}

function live(form) {
  const into = document.getElementById(form.dataset.liveInto);
  const status = document.getElementById(form.dataset.liveInto + "-status");
  let waiting = 0;
  let asked = null;
  let shown = question(form).href;

  async function ask() {
    const address = question(form);
    if (address.href === shown) return;
    if (asked) asked.abort();
    asked = new AbortController();
    into.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: asked.signal, credentials: "same-origin" });
      if (answer.redirected || !answer.ok) throw new Error("not shown");
      into.innerHTML = await answer.text();
      shown = address.href;
      if (status) status.textContent = "What it changes is up to date.";
    } catch (error) {
      if (error.name === "AbortError") return;
      if (status) status.textContent = "What it changes could not be read. Use “Show consequences”.";
      for (const one of form.querySelectorAll("[data-live-button]")) one.hidden = false;
    }
    into.removeAttribute("aria-busy");
  }

  function soon() {
    window.clearTimeout(waiting);
    if (status) status.textContent = "";
    waiting = window.setTimeout(ask, PAUSE);
  }

  for (const one of form.querySelectorAll("[data-live-button]")) one.hidden = true;
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
}

function once(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  // Back from the next page it can be sent again.
  window.addEventListener("pageshow", () => { sent = false; });
}

for (const form of document.querySelectorAll("form[data-live]")) live(form);
for (const form of document.querySelectorAll("main form[method=post]")) once(form);
