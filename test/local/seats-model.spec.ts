import { describe, expect, it } from "vitest";
import { difference, newDatabase, storiesOf } from "./support/seats-stories.ts";

const STORIES = 1_000;

// Whether these stories would notice another statement: npm run mutation.
describe("the statement that claims a seat", () => {
  it(`does what its model says, in ${STORIES} stories of up to twelve claims`, () => {
    const database = newDatabase();
    for (const story of storiesOf(STORIES)) expect(difference(database, story)).toBeNull();
  });
});
