"use strict";
// A visit to the page, as a reader would: results go into an element that the test reads.
{
  const seen = {};
  const errors = [];
  addEventListener("error", (event) => errors.push(event.message));
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const key = (name, at = document.activeElement ?? document.body) =>
    at.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const way = () => all("ol.way button").map((button) => button.textContent);
  const traced = () => one("#details h3")?.textContent ?? null;

  seen.head = [one("#title").textContent, one("#about").textContent, all(".lane").map((lane) => lane.textContent)];
  seen.violations = all(".violation").map((violation) => violation.textContent);
  seen.at_the_beginning = { traced: traced(), way: way(), hash: decodeURIComponent(location.hash) };

  // Nothing chosen: hovering shows the whole way.
  key("Escape");
  const packet = one("g.packet.message.lost");
  packet.querySelector(".hit").dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  seen.hovered = all("g.on title").map((title) => title.textContent);
  // A click on a packet chooses its message; the others fade.
  click(packet.querySelector(".hit"));
  seen.clicked = { traced: traced(), way: way(), fades: one("#drawing").classList.contains("traced") };
  // The whole way can be walked.
  key("n");
  key("n");
  seen.walked = one("#details .what").textContent;
  // Another message of the same packet.
  click(one("g.packet.message:not(.lost) .hit"));
  const several = all("g.packet.message").find((group) => group.querySelector(".label").textContent.includes(", "));
  click(several.querySelector(".hit"));
  seen.several = all(".others button").map((button) => button.textContent);
  click(all(".others button").at(-1));
  seen.other = traced();
  // Finding.
  const search = one("#search");
  key("/", document.body);
  seen.finds = document.activeElement === search;
  search.value = "source.0#1";
  search.dispatchEvent(new InputEvent("input", { bubbles: true }));
  seen.found = all("#found li").map((entry) => entry.textContent);
  key("ArrowDown", search);
  seen.second = one("#found [aria-selected=true]").textContent;
  key("Enter", search);
  seen.taken = traced();
  // Keys.
  one("#stage").focus();
  key("Home");
  seen.first = one("#details .what").textContent;
  key("ArrowDown");
  seen.next = one("#spoken").textContent;
  key("v");
  seen.violation = one("#details .what").textContent;
  key("Escape");
  seen.cleared = [traced(), one("#drawing").classList.contains("traced")];
  // Filters take away and bring back.
  const count = () => all("g.ev[data-line]").length;
  const before = count();
  click(one("[data-filter=tcp]"));
  const without = count();
  click(one("[data-filter=tcp]"));
  seen.filters = [before > without, before === count()];
  // Themes.
  const theme = () => document.documentElement.dataset.theme;
  const was = theme();
  click(one("#theme"));
  seen.theme = was !== theme();
  // Paper has everything.
  dispatchEvent(new Event("beforeprint"));
  seen.paper = [all("#paper svg").length, new Set(all("#paper [data-line]").map((group) => group.dataset.line)).size >= before];
  dispatchEvent(new Event("afterprint"));
  // Everything that can be operated has a name.
  seen.nameless = all("button, input").filter((element) => !(element.textContent.trim() || element.getAttribute("aria-label"))).length;
  seen.errors = errors;
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
}
