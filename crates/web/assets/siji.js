// Small helps on top of pages that work without script. No rules live here.
"use strict";

// A form is sent once, however often its button is pressed; a second try after a lost reply is
// harmless, because the key in the form is the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});

// On a desk the menu stands open.
const menu = document.querySelector("details.nav");
if (menu && matchMedia("(min-width: 60rem)").matches) menu.open = true;

// Pages that wait for something say so with data-refresh="seconds".
const waiting = document.querySelector("[data-refresh]");
if (waiting) setTimeout(() => location.reload(), 1000 * Number(waiting.dataset.refresh));

document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => print());
});

// A page that only brings something on goes on by itself.
const onward = document.querySelector("form[data-go-on]");
if (onward) onward.requestSubmit();
