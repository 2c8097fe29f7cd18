"""What is asked of a page in the browser, in the browser's own language. It changes nothing on the page."""

from __future__ import annotations

_COMMON = """
  const name = (node) => `<${node.localName}${node.className ? ` class="${node.className}"` : ""}>`;
  const textual = [...document.body.querySelectorAll("*"), document.body].filter(
    (node) => node.checkVisibility({opacityProperty: true, visibilityProperty: true})
      && [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim()));
  const boxes = (node) => [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).flatMap((child) => {
    const range = document.createRange();
    range.selectNodeContents(child);
    return [...range.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
  });
"""

# Every visible text in document order: its colours as the style sheets compute them (layers that are not opaque laid
# over each other), and the boxes of its first lines in CSS pixels from the page's top left corner.
TEXTS = (
    "() => {"
    + _COMMON
    + """
  const brush = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
      known.set(colour, [red, green, blue, alpha / 255]);
    }
    return known.get(colour);
  };
  const over = (top, ground) => ground.map((channel, n) => top[n] * top[3] + channel * (1 - top[3]));
  const hex = (colour) => "#" + colour.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("");
  const probe = document.createElement("i");
  probe.style.backgroundColor = "Canvas";
  document.body.append(probe);
  const canvas = rgba(getComputedStyle(probe).backgroundColor).slice(0, 3);
  probe.remove();
  const ground = (node) => {
    const layers = [];
    for (; node; node = node.parentElement) {
      layers.push(rgba(getComputedStyle(node).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), canvas);
  };
  const opacity = (node) => node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1;
  return textual.map((node) => {
    const style = getComputedStyle(node);
    const under = ground(node);
    const [red, green, blue, alpha] = rgba(style.color);
    const size = parseFloat(style.fontSize);
    return {
      where: name(node),
      shown: [...node.childNodes].filter((c) => c.nodeType === Node.TEXT_NODE).map((c) => c.data).join(" ")
        .replace(/\\s+/g, " ").trim(),
      ink: hex(over([red, green, blue, alpha * opacity(node)], under)),
      ground: hex(under),
      large: size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700),
      boxes: boxes(node).slice(0, 3).map((box) => [box.left + scrollX, box.top + scrollY, box.width, box.height]),
    };
  });
}"""
)

# What is too wide: the page itself, a picture, or a text that sticks out of its cell; each with how many pixels.
OVERFLOWS = (
    "() => {"
    + _COMMON
    + """
  const page = document.documentElement;
  const found = page.scrollWidth > page.clientWidth ? [["the page", page.scrollWidth - page.clientWidth]] : [];
  const sticks = (box, holder) => Math.max(box.right - holder.right, holder.left - box.left);
  const check = (node, list) => {
    const holder = (node.closest("td, th") || document.body).getBoundingClientRect();
    const widest = Math.max(0, ...list.map((box) => sticks(box, holder)));
    if (widest > 1) found.push([name(node), Math.ceil(widest)]);
  };
  textual.forEach((node) => check(node, boxes(node)));
  document.querySelectorAll("img").forEach((node) => check(node, [...node.getClientRects()]));
  return found.slice(0, 5);
}"""
)

# axe-core's rules of WCAG A and AA, or the one of contrast where only the colours have changed.
AXE = """async ([tags, rules]) => {
  const runOnly = rules.length ? {type: "rule", values: rules} : {type: "tag", values: tags};
  const {violations} = await axe.run(document, {runOnly, resultTypes: ["violations"]});
  return violations.flatMap((rule) => rule.nodes.map((node) => [rule.id, node.target.join(" "), node.failureSummary]));
}"""
