// Keeps a page current without losing what a person is typing: when the server says that something has changed, the page
// is asked for again, and only the parts that are marked data-live are exchanged. Everything can be read without it.
"use strict";

const stream = document.body.dataset.stream;
const connection = document.getElementById("connection");
let refreshing = false;
let wanted = false;

// Whether somebody has typed what another page would not have.
function isTyped() {
  const isOther = (field) => {
    if (field.tagName === "SELECT") {
      const first = Array.from(field.options).findIndex((option) => option.defaultSelected);
      return field.selectedIndex !== Math.max(0, first);
    }
    return ["checkbox", "radio"].includes(field.type)
      ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  };
  return Array.from(document.querySelectorAll("main input, main textarea, main select")).some(isOther);
}

async function refresh() {
  if (refreshing) { wanted = true; return; }
  refreshing = true;
  try {
    const response = await fetch(location.href, { headers: { "X-Refresh": "1" }, credentials: "same-origin" });
    if (response.redirected) {
      // The session is over; what is typed is kept once it is sent.
      if (isTyped()) document.getElementById("over").hidden = false; else location.reload();
      return;
    }
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
    }
  } catch (error) {
    // The stream says so when the server is away.
  } finally {
    refreshing = false;
    if (wanted) { wanted = false; setTimeout(refresh, 2000); }
  }
}

if (stream && window.EventSource) {
  const events = new EventSource(stream);
  let last = document.body.dataset.mark;
  events.onmessage = (event) => {
    connection.hidden = true;
    if (last !== event.data) refresh();
    last = event.data;
  };
  events.onerror = () => { connection.hidden = false; };
}

// A file goes to the server as it is, piece by piece on its side; the answer is a page part with what became of each row.
for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = form.querySelector("input[type=file]").files[0];
    const result = document.getElementById(form.dataset.upload);
    if (!file) return;
    result.textContent = form.dataset.working;
    const kind = form.querySelector("[name=kind]").value;
    try {
      const response = await fetch(form.action + "?kind=" + encodeURIComponent(kind), {
        method: "POST", body: file, credentials: "same-origin",
        headers: { "Content-Type": "text/csv", "X-File-Size": String(file.size), "X-Form-Token": form.querySelector("[name=form_token]").value },
      });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const main = page.getElementById("main");
      // This page has a heading of its own: the answer's goes below it.
      for (const heading of main ? main.querySelectorAll("h1") : []) {
        const below = document.createElement("h2");
        below.append(...heading.childNodes);
        heading.replaceWith(below);
      }
      if (main) result.replaceChildren(...main.children); else result.textContent = form.dataset.failed;
      result.focus();
    } catch (error) {
      result.textContent = form.dataset.failed;
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A document stays on this computer: only its SHA-256 goes into the field.
for (const input of document.querySelectorAll("input[data-digests]")) {
  input.addEventListener("change", async () => {
    const digests = [];
    for (const file of input.files) {
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      digests.push(Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    document.getElementById(input.dataset.digests).value = digests.join("\n");
  });
}
