// Maps that answer: hover (or touch) shows the sample, in every map at once; a class that is
// chosen, by its name or by one of its samples, is followed through all maps. Without this script the
// figure is the same drawing, only still.
"use strict";
(() => {
  const figure = document.getElementById("figure-tsne");
  const data = JSON.parse(document.getElementById("maps-data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const [width, height, head] = data.panel;
  const panels = [...figure.querySelectorAll(".panel")].slice(0, data.maps.length);
  const buttons = [...figure.querySelectorAll(".classes button")];
  const tip = figure.querySelector(".tip");
  let chosen = null;

  const add = (parent, name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return parent.appendChild(element);
  };
  // One layer a map: a veil over what is not followed, the followed class, and a ring.
  const layers = panels.map((panel) => {
    const svg = add(panel, "svg", { viewBox: `0 0 ${width} ${height}`, class: "layer", "aria-hidden": "true" });
    return {
      veil: add(svg, "rect", { x: 1, y: head + 0.5, width: width - 2, height: height - head - 1.5, class: "veil" }),
      followed: add(svg, "g", {}),
      ring: add(svg, "circle", { r: 5, class: "ring" }),
    };
  });
  const where = data.maps.map((map) => new Map(map.map((spot, place) => [spot[3], place])));

  const follow = (index) => {
    chosen = index === chosen ? null : index;
    figure.classList.toggle("following", chosen !== null);
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === chosen)));
    data.maps.forEach((map, place) => {
      const group = layers[place].followed;
      group.replaceChildren();
      if (chosen === null) return;
      for (const [x, y, label] of map)
        if (label === chosen) add(group, "circle", { cx: x, cy: y, r: 2.1, fill: data.classes[chosen].hue });
    });
  };
  buttons.forEach((button, index) => button.addEventListener("click", () => follow(index)));
  figure.querySelector(".classes").hidden = false;

  const nearest = (map, x, y) => {
    let best = null, least = 64;
    for (const spot of map) {
      if (chosen !== null && spot[2] !== chosen) continue;
      const far = (spot[0] - x) ** 2 + (spot[1] - y) ** 2;
      if (far < least) [best, least] = [spot, far];
    }
    return best;
  };
  const hide = () => {
    tip.hidden = true;
    layers.forEach(({ ring }) => ring.classList.remove("on"));
  };
  const show = (spot, event) => {
    const [, , label, sample] = spot;
    layers.forEach(({ ring }, place) => {
      const at = where[place].get(sample);
      ring.classList.toggle("on", at !== undefined);
      if (at === undefined) return;
      ring.setAttribute("cx", data.maps[place][at][0]);
      ring.setAttribute("cy", data.maps[place][at][1]);
    });
    tip.querySelector("b").textContent = data.classes[label].name;
    tip.querySelector("span").textContent = `test sample ${sample}`;
    const image = tip.querySelector("i");
    const place = data.sprite ? data.sprite.samples.indexOf(sample) : -1;
    image.hidden = place < 0;
    if (place >= 0) {
      const { columns, width: w, height: h, lines } = data.sprite, zoom = 64 / Math.max(w, h);
      image.style.width = `${w * zoom}px`;
      image.style.height = `${h * zoom}px`;
      image.style.backgroundSize = `${columns * w * zoom}px ${lines * h * zoom}px`;
      image.style.backgroundPosition = `${-(place % columns) * w * zoom}px ${-Math.floor(place / columns) * h * zoom}px`;
    }
    tip.hidden = false;
    const frame = figure.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const x = Math.min(event.clientX - frame.left + 14, frame.width - size.width - 4);
    tip.style.left = `${Math.max(0, x)}px`;
    tip.style.top = `${event.clientY - frame.top + 16}px`;
  };
  panels.forEach((panel, index) => {
    const spotAt = (event) => {
      const frame = panel.getBoundingClientRect(), scale = width / frame.width;
      return nearest(data.maps[index], (event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale);
    };
    const point = (event) => {
      const spot = spotAt(event);
      if (spot) show(spot, event); else hide();
    };
    panel.addEventListener("pointermove", point);
    panel.addEventListener("pointerdown", point);
    panel.addEventListener("pointerleave", hide);
    panel.addEventListener("click", (event) => {
      const spot = spotAt(event);
      if (spot && spot[2] !== chosen) follow(spot[2]);
      else if (chosen !== null) follow(chosen);
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { hide(); if (chosen !== null) follow(chosen); }
  });
})();
