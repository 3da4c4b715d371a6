// Formulas as MathML, by a library that is loaded when the first one appears. What it makes passes a list of what may be shown.
import { TEX_LIMIT } from "../../lib/markdown/maths";

type Library = typeof import("temml").default;

/** What one formula may unfold to, and how large it may draw (ems, percent): hostile TeX grows without end. */
const LIMITS = { maxExpand: 500, maxSize: [40, 40] as [number, number] };

const ELEMENTS: ReadonlySet<string> = new Set(
  "math maction menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics none".split(
    " ",
  ),
);
const ATTRIBUTES: ReadonlySet<string> = new Set(
  "accent accentunder align class columnalign columnlines columnspacing columnspan depth dir display displaystyle fence form frame height largeop linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits notation rowalign rowlines rowspacing rowspan rspace scriptlevel separator stretchy style symmetric voffset width xmlns".split(
    " ",
  ),
);

let library: Library | null = null;
let loading: Promise<void> | null = null;

/** Shows a formula in an element: at once where the library is there, else as it is written until it is. */
export function showMaths(host: HTMLElement, tex: string, display: boolean): void {
  host.textContent = tex;
  host.dataset["tex"] = tex;
  if (tex.length > TEX_LIMIT) return;
  if (library) draw(library, host, tex, display);
  else void load().then(() => library && host.dataset["tex"] === tex && draw(library, host, tex, display));
}

/** Offline or after a new release the file may not be had: then formulas stay as they are written. */
function load(): Promise<void> {
  loading ??= import("temml").then(
    (module) => void (library = module.default),
    () => void (loading = null),
  );
  return loading;
}

function draw(temml: Library, host: HTMLElement, tex: string, display: boolean): void {
  const drawn = document.createElement("span");
  try {
    temml.render(tex, drawn, { displayMode: display, throwOnError: true, trust: false, strict: false, wrap: "none", ...LIMITS });
  } catch {
    host.classList.add("not-tex"); // what cannot be read is shown as it is written
    return;
  }
  const formula = drawn.firstElementChild;
  if (!formula || !onlyMaths(formula)) return;
  host.replaceChildren(formula);
}

/** Whether all of it is maths; attributes that are not on the list are taken off. */
function onlyMaths(element: Element): boolean {
  if (!ELEMENTS.has(element.localName)) return false;
  for (const { name } of [...element.attributes]) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
  return [...element.children].every(onlyMaths);
}
