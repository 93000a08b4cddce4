// Elements out of names, properties and children. Text always enters as text: nothing here parses HTML.

export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === false) continue;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// A heading, a line that says what there is to see, and what is seen.
export function section(id, title, lead, ...children) {
  return el(
    "section", { id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title), lead ? el("p", { class: "lead" }, lead) : null, ...children,
  );
}

// A canvas of few pixels, which the page enlarges; `label` is for those who do not see it.
export function pixelCanvas(width, height, label) {
  const canvas = el("canvas", { width, height, class: "pixels" });
  if (label) canvas.setAttribute("role", "img"), canvas.setAttribute("aria-label", label);
  else canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
