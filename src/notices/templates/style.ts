// How mails look. Each class has its rules inline, because many mail clients drop style sheets. The sheet only adds
// what inline rules cannot express: dark mode and small screens. Nothing is loaded from elsewhere, except a logo.
import type { Brand } from "../../field/brand.ts";
import { contrast, mix, readableOn, textOn } from "../../kernel/contrast.ts";
import type { Tone } from "./letter.ts";

const FONT =
  "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,'Hiragino Sans','Yu Gothic UI',Meiryo,sans-serif;";
const MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;";
const ANYWHERE = "overflow-wrap:anywhere;word-break:break-word;";

const RULES = {
  page: `margin:0;padding:0;width:100%;background:#eef0f4;${FONT}color:#1a1d23;-webkit-text-size-adjust:100%;`,
  hidden: "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;",
  frame: "width:100%;table-layout:fixed;border-collapse:collapse;",
  outer: "background:#eef0f4;padding:32px 16px;",
  // The first width is for Outlook; the second lets a small screen make it narrower.
  card: "width:600px;max-width:100%;background:#ffffff;border:1px solid #dfe3e9;border-radius:12px;border-collapse:separate;",
  body: `padding:28px 36px 12px;font-size:16px;line-height:1.55;text-align:left;${ANYWHERE}`,
  sender: "margin:0 0 6px;font-size:13px;line-height:1.4;font-weight:600;letter-spacing:.02em;color:#566070;",
  logo: "display:inline-block;height:36px;width:auto;max-width:100%;border:0;font-size:16px;",
  title: "margin:0 0 22px;font-size:25px;line-height:1.25;font-weight:700;color:#1a1d23;text-wrap:balance;",
  heading: "margin:28px 0 8px;font-size:17px;line-height:1.35;font-weight:700;color:#1a1d23;",
  paragraph: "margin:0 0 14px;color:#1a1d23;",
  soft: "margin:0 0 8px;font-size:14px;line-height:1.5;color:#566070;",
  callout: "margin:20px 0;padding:14px 18px;border-radius:8px;border-left:4px solid;",
  headline: "margin:0;font-size:19px;line-height:1.35;font-weight:700;",
  callouttext: "margin:4px 0 0;font-size:15px;line-height:1.5;",
  table: "width:100%;margin:0 0 14px;border-collapse:collapse;font-size:15px;line-height:1.45;",
  label:
    "width:136px;padding:8px 16px 8px 0;border-top:1px solid #e2e5ea;text-align:left;vertical-align:top;font-weight:400;color:#566070;",
  value: `padding:8px 0;border-top:1px solid #e2e5ea;text-align:left;vertical-align:top;color:#1a1d23;${ANYWHERE}`,
  note: "width:48%;font-size:14px;padding:8px 0 8px 16px;border-top:1px solid #e2e5ea;text-align:right;vertical-align:top;color:#566070;",
  notes: "margin:4px 0 2px;font-size:14px;line-height:1.5;color:#566070;",
  steps: "margin:0 0 18px;padding:0 0 0 24px;color:#1a1d23;",
  step: "margin:0 0 6px;padding:0 0 0 4px;",
  key: `margin:0 0 14px;padding:14px 16px;background:#f5f6f8;border:1px solid #d9dde4;border-radius:8px;${MONO}font-size:13px;line-height:1.5;color:#1a1d23;overflow-wrap:anywhere;word-break:break-all;-webkit-user-select:all;user-select:all;`,
  code: `${MONO}font-size:.88em;overflow-wrap:anywhere;word-break:break-word;`,
  count: "font-weight:400;color:#566070;",
  ask: "margin:18px 0 20px;",
  button:
    "display:inline-block;padding:12px 22px;border-radius:8px;font-size:16px;line-height:1.25;font-weight:600;text-decoration:none;",
  link: "text-decoration:underline;",
  imprint: "margin:14px 0 0;",
  footer: `padding:16px 36px 26px;font-size:13px;line-height:1.5;text-align:left;color:#566070;${ANYWHERE}`,
} as const;

type Look = keyof typeof RULES;

/** The class and the rules of an element, to spread into it. */
interface Dress {
  class: string;
  style: string;
}

export interface Style {
  look: (name: Look) => Dress;
  callout: (tone: Tone) => Dress;
  /** The strip on top of the card. */
  strip: (tone: Tone) => Dress;
  sheet: string;
}

/** What lies under text, and the text, by day and by night. */
const CARD = { light: "#ffffff", dark: "#1a1e25" };
const TEXT = { light: "#1a1d23", dark: "#e8eaee" };

type Colors = [accent: string, ground: string, darkAccent: string, darkGround: string];

const TONES: Record<Exclude<Tone, "info">, Colors> = {
  good: ["#15713f", "#e6f5ec", "#6fd39b", "#17332a"],
  warn: ["#b35900", "#fff3df", "#f5b35c", "#3a2b14"],
  stop: ["#b3261e", "#fdebe9", "#ff9c94", "#3f1f1f"],
};

/** Colors made of the brand's that can be read on the card, by day and by night. */
const brandTone = (color: string): Colors => [
  readableOn(CARD.light, color),
  mix(color, CARD.light, 0.09),
  readableOn(CARD.dark, color),
  mix(color, CARD.dark, 0.18),
];

/** A button in the brand's own color; one that hardly differs from the card gets the color of links. */
const buttonOn = (card: string, color: string, accent: string): string =>
  contrast(card, color) >= 1.2 ? color : accent;

/** How mails of this brand look. */
export function styleFor({ color }: Pick<Brand, "color">): Style {
  const tones: Record<Tone, Colors> = { info: brandTone(color), ...TONES };
  const [accent, , darkAccent] = tones.info;
  const button = buttonOn(CARD.light, color, accent);
  const darkButton = darkAccent;
  const colored: Partial<Record<Look, string>> = {
    button: `background:${button};color:${textOn(button)};`,
    link: `color:${accent};`,
  };
  const darkTones = Object.entries(tones)
    .map(
      ([tone, [, , edge, ground]]) =>
        `.${tone}{background:${ground}!important;border-color:${edge}!important;color:${TEXT.dark}!important}` +
        `.strip-${tone}{background:${edge}!important}`,
    )
    .join("\n");
  return {
    look: (name) => ({ class: name, style: RULES[name] + (colored[name] ?? "") }),
    callout: (tone) => ({
      class: `callout ${tone}`,
      style: `${RULES.callout}border-color:${tones[tone][0]};background:${tones[tone][1]};color:${TEXT.light};`,
    }),
    strip: (tone) => ({
      class: `strip strip-${tone}`,
      style: `height:6px;font-size:0;line-height:0;border-radius:11px 11px 0 0;background:${tones[tone][0]};`,
    }),
    sheet: `
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme: dark){
.page,.outer{background:#101318!important}
.card{background:${CARD.dark}!important;border-color:#2d343f!important}
.title,.heading,.paragraph,.value,.steps{color:${TEXT.dark}!important}
.sender,.soft,.label,.note,.notes,.count,.footer{color:#a7b0bd!important}
.label,.value,.note{border-color:#2d343f!important}
.key{background:#101318!important;border-color:#39414e!important;color:${TEXT.dark}!important}
.button{background:${darkButton}!important;color:${textOn(darkButton)}!important}
.link{color:${darkAccent}!important}
.logo{background:#ffffff!important;color:${TEXT.light}!important;padding:6px 10px!important;border-radius:6px!important}
${darkTones}
}
@media (max-width: 520px){
.outer{padding:12px 8px!important}
.body{padding:22px 20px 8px!important}
.footer{padding:12px 20px 20px!important}
.title{font-size:22px!important}
.label,.value,.note{display:block!important;width:auto!important;text-align:left!important}
.label,.rowlead:not(:last-child){padding-bottom:0!important}
.label+.value,.note{border-top:0!important;padding:1px 0 8px!important}
}
`,
  };
}
