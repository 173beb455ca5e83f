// Examples of backups and restores for the OpenAPI document.
const BACKUP = "bck_01KB0Q5V2E8N4P6R0S1T3W5X7Z";

const at = "2026-11-22T03:00:02.000Z";

export const storedBackup = { id: BACKUP, at, event: 4_711, pages: 31, rows: 52_140 };

export const openedBackup = {
  id: BACKUP,
  event: 4_711,
  at,
  with_access: false,
  issuer: "https://licensing.example",
  cursor: "nZk3…",
};

export const page = `{"table":"usage_days","columns":["day","requests","services"],"rows":1}
["2026-11-21",120031,310]
`;

export const backupPage = `${page}{"next":"nZk4…"}
`;

export const manifest = "eyJhbGciOiJFZERTQSIsInR5cCI6ImJhY2t1cCtqd3QifQ…";

export const restore = {
  id: "rst_01KB1Q5V2E8N4P6R0S1T3W5X7Z",
  backup: BACKUP,
  with_access: false,
  tables: [{ table: "license_types", pages: 1, pages_loaded: 0 }],
};

export const finished = {
  done: true,
  report: {
    backup: BACKUP,
    backup_at: at,
    event: 4_711,
    with_access: false,
    begun_at: "2026-11-24T09:00:00.000Z",
    ended_at: "2026-11-24T09:02:10.000Z",
    rows: { licenses: 42, activations: 91 },
    skipped: {},
    made: {},
    seats_held: 68,
    seals: 31,
    findings: [],
    given_up: [{ seal: 32, head: "5f1d…" }],
    erasures: 1,
    restarted: 33,
    repeat: ["What staff changed after 2026-11-22T03:00:02.000Z is not there: …"],
  },
};
