// Making elements. Text goes in as text, never as HTML: what a report shows may come from anywhere.
"use strict";

/** An element with attributes and children; a child is a node or a text, and those that are null are left out. */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** As `make`, of an SVG. */
function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button that does something. */
function makeButton(label, action, attributes = {}) {
  const button = make("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", action);
  return button;
}

/** Fill a select with [value, label] pairs; pairs of one label's group may carry it as a third item. */
function fillSelect(select, options) {
  const groups = new Map();
  select.replaceChildren();
  for (const [value, label, group] of options) {
    if (group && !groups.has(group)) {
      groups.set(group, make("optgroup", { label: group }));
      select.append(groups.get(group));
    }
    (groups.get(group) ?? select).append(make("option", { value }, label));
  }
}
