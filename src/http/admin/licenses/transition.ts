// What every transition of a license may refuse.
import type { ProblemCode } from "../../../problems.ts";

export const TRANSITION_REFUSALS: ProblemCode[] = ["LICENSE_NOT_FOUND", "INVALID_TRANSITION", "CONFLICT"];
