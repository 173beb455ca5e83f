// What is wrong with an application, by what the license said and what the application did. Pure.
import type { Status } from "../../clients/typescript/src/index.ts";
import type { Scene } from "./scenes.ts";

/** What the application did at the end of a scene, and whether it ended by itself meanwhile. */
export interface Observed {
  did: "ran" | "stopped";
  exited: boolean;
}

export interface Result {
  scene: Scene;
  /** By the drill's clock, milliseconds. */
  at: number;
  license: Pick<Status, "state" | "code" | "mayRun" | "warnings" | "detail">;
  observed: Observed;
  /** What is wrong, in words; empty if it did what the license said. */
  mistakes: string[];
  /** How long it took, in milliseconds. */
  took: number;
  /** The last lines that the application wrote, where something is wrong. */
  output: string;
}

const USUAL = {
  stopped: "stops although the license lets it run",
  ran: "runs although the license does not allow it",
  exited: "restarts on refusal",
};

interface Circumstances {
  mayRun: boolean;
  /** Whether the application is to stay up: then its end is no answer, but what a supervisor has to mend. */
  isServer: boolean;
  /** The scene before. An application that stopped there and never came back does not make another mistake here. */
  before: Pick<Result, "license" | "observed" | "mistakes"> | null;
}

export function mistakesOf(
  { mistake }: Scene,
  { did, exited }: Observed,
  { mayRun, isServer, before }: Circumstances,
): string[] {
  if (mayRun && did === "ran") return [];
  if (mayRun) {
    const isStill = before !== null && before.license.mayRun && before.observed.did === "stopped";
    return isStill ? [...before.mistakes] : [mistake.stopped ?? USUAL.stopped];
  }
  return [
    ...(did === "ran" ? [mistake.ran ?? USUAL.ran] : []),
    ...(exited && isServer ? [mistake.exited ?? USUAL.exited] : []),
  ];
}

export const notPassed = (results: readonly Result[]): Result[] =>
  results.filter(({ mistakes }) => mistakes.length > 0);

/** Each once. */
export const mistakesIn = (results: readonly Result[]): string[] => [
  ...new Set(results.flatMap(({ mistakes }) => mistakes)),
];

/** "refused (LICENSE_EXPIRED)", with its warnings. */
export const licenseSaid = ({ state, code, warnings }: Result["license"]): string =>
  `${state}${code === null ? "" : ` (${code})`}${warnings.length > 0 ? `; warns ${warnings.join(", ")}` : ""}`;

export const applicationDid = ({ did, exited }: Observed): string =>
  `${did === "ran" ? "runs" : "stops"}${exited ? ", had ended" : ""}`;
