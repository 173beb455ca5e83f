// The import rules between rooms: read from the table in docs/architecture.md, so that the page and the check cannot
// disagree. A room is a folder of src, or a file that stands alone there.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A row of the table, from the top floor down. */
export interface Room {
  name: string;
  /** Beside the ground, the rooms from GROUND down, which every room above them may use. */
  uses: string[];
}

/** An import from one file to another, both as paths within src. */
export interface Arrow {
  from: string;
  to: string;
}

const GROUND = "kernel";

const ROW = /^\| `([\w./-]+)` \|[^|]*\|([^|]*)\|$/gm;

/** @throws if it names a room that has no row */
export function readRooms(page: string): Room[] {
  const rooms = [...page.matchAll(ROW)].map(([, name, uses]): Room => ({
    name: name!,
    uses: [...uses!.matchAll(/`([\w./-]+)`/g)].map(([, used]) => used!),
  }));
  const names = new Set(rooms.map(({ name }) => name));
  for (const { name, uses } of rooms) {
    const unknown = uses.filter((used) => !names.has(used));
    if (unknown.length > 0)
      throw new Error(`The table has no row for ${unknown.join(", ")}, used by ${name}.`);
  }
  return rooms;
}

const IMPORT = /(?:\bfrom|\bimport\(|^import)\s*"(\.[^"]+)"/gm;

/** Every import between files of the folder, including types. Clients are separate packages. */
export const readArrows = (src: string): Arrow[] =>
  globSync("**/*.{ts,tsx}", { cwd: src })
    .filter((file) => !file.startsWith("clients/") && !file.includes("/assets/"))
    .flatMap((from) =>
      [...readFileSync(join(src, from), "utf8").matchAll(IMPORT)].map(([, target]) => ({
        from,
        to: normalize(join(dirname(from), target!)),
      })),
    );

/** The faults, a line each: a forbidden import, an allowed one that nobody needs, an import of a higher room. */
export function faultsOf(rooms: Room[], arrows: Arrow[]): string[] {
  const floor = new Map(rooms.map(({ name }, at) => [name, at]));
  const ground = floor.get(GROUND)!;
  // The nearest room: http/console is its own room within http.
  const roomOf = (file: string): Room | undefined =>
    rooms
      .filter(({ name }) => file === name || file.startsWith(`${name}/`))
      .toSorted((a, b) => b.name.length - a.name.length)[0];
  const faults = new Set<string>();
  const used = new Set<string>();
  for (const { from, to } of arrows) {
    const [above, below] = [roomOf(from), roomOf(to)];
    if (!above) faults.add(`${from} is in no room of the table.`);
    if (!above || !below || above === below) continue;
    used.add(`${above.name} ${below.name}`);
    const isGround = floor.get(below.name)! >= Math.max(ground, floor.get(above.name)!);
    if (!isGround && !above.uses.includes(below.name))
      faults.add(`${from} must not import ${to}: ${above.name} does not use ${below.name}.`);
  }
  for (const { name, uses } of rooms) {
    for (const below of uses) {
      if (floor.get(below)! <= floor.get(name)!)
        faults.add(`${name} lies below ${below} and must not use it.`);
      if (!used.has(`${name} ${below}`)) faults.add(`${name} does not use ${below} any more: strike it out.`);
    }
  }
  return [...faults];
}
