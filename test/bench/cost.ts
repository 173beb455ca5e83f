// What a request costs on D1, as the Workers of the bench tell it.

export interface Cost {
  trips: number;
  read: number;
  written: number;
}

export type Work = Pick<Cost, "read" | "written">;

export const NO_COST: Cost = { trips: 0, read: 0, written: 0 };

/** Bytes that were bound, in JSON. */
export interface Blob {
  base64url: string;
}

/** A statement that was sent, and what was bound to it; a Blob where that was bytes. */
export interface Sent {
  text: string;
  values: unknown[];
}

/** What the floor is to do, and how many characters its answer has at least. */
export interface Lesson {
  statements: Sent[];
  /** How many of them go alone in a first trip, because what they find decides whether the others are sent. */
  alone: number;
  answer: number;
  /** The certificate that the floor signs, too. */
  certificate?: { header: object; claims: Record<string, unknown> };
  /** The page that it writes: markup and values in turn, the values not escaped. */
  page?: string[];
}

/** Holds, as JSON, `cost` up to the answer and `deferred` after it. */
export const COST_HEADER = "Bench-Cost";
