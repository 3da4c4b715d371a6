// TeX -> a plain tree of MathML in which only what is listed here can stand. Runs in a worker: the library is large, and TeX may loop.
import temml from "temml";

/** What one formula may unfold to, and how large it may draw (ems, percent): hostile TeX grows without end. */
const LIMITS = { maxExpand: 500, maxSize: [40, 40] as [number, number] };
const ELEMENTS_LIMIT = 4000;
const DEPTH_LIMIT = 100;

export interface MathsNode {
  tag: string;
  attributes: [name: string, value: string][];
  style: [name: string, value: string][];
  classes: string[];
  children: (MathsNode | string)[];
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const ELEMENTS = words(
  "math maction menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub " +
    "msubsup msup mtable mtd mtext mtr munder munderover semantics none",
);
const ATTRIBUTES = words(
  "accent accentunder align columnalign columnlines columnspacing columnspan depth display displaystyle fence form frame height largeop " +
    "linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits notation rowalign rowlines rowspacing " +
    "rowspan rspace scriptlevel separator stretchy symmetric voffset width",
);
const STYLES = /^(?:backgroundColor|border\w*|color|display|fontStyle|fontWeight|height|margin\w*|math-?depth|minWidth|padding\w*|textAlign|width)$/i;
const CLASS = /^tml-[a-z-]+$/;

/** What the library makes, as far as it is read. */
interface Made {
  type?: string;
  attributes?: Record<string, unknown>;
  style?: Record<string, unknown>;
  classes?: unknown[];
  children?: Made[];
  text?: string;
}

/** The tree of a formula; null for one that cannot be read, is too large, or asks for what is not shown. */
export function mathsTree(tex: string, display: boolean): MathsNode | null {
  let made: Made;
  try {
    made = temml.__renderToMathMLTree(tex, {
      displayMode: display, throwOnError: true, trust: false, strict: false, wrap: "none", ...LIMITS,
    }) as Made;
  } catch {
    return null;
  }
  const room = { left: ELEMENTS_LIMIT };
  const [node, ...more] = checked(made, room, 0) ?? [];
  return typeof node === "object" && more.length === 0 && node.tag === "math" ? node : null;
}

/** The nodes that one of the library's stands for: a fragment is its children. Null: something in it is not allowed. */
function checked(made: Made, room: { left: number }, depth: number): (MathsNode | string)[] | null {
  if (typeof made.text === "string") return [made.text];
  if ((room.left -= 1) < 0 || depth > DEPTH_LIMIT) return null;
  const children: (MathsNode | string)[] = [];
  for (const child of made.children ?? []) {
    const found = checked(child, room, depth + 1);
    if (found === null) return null;
    children.push(...found);
  }
  if (made.type === undefined) return Object.keys(made.attributes ?? {}).length === 0 ? children : null;
  if (!ELEMENTS.has(made.type)) return null;
  return [
    {
      tag: made.type,
      attributes: Object.entries(made.attributes ?? {}).flatMap(([name, value]) => (ATTRIBUTES.has(name) ? [[name, String(value)]] : [])),
      style: Object.entries(made.style ?? {}).flatMap(([name, value]) =>
        STYLES.test(name) && !/url|\(.*\(|expression/i.test(String(value)) ? [[name, String(value)]] : [],
      ),
      classes: (made.classes ?? []).map(String).filter((name) => CLASS.test(name)),
      children,
    },
  ];
}
