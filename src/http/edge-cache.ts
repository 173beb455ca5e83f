// Answers that a data center keeps, under a name that identifies the content: the content of a name never
// changes, so nothing ever has to be purged.

/** Long enough to serve repeated requests, short enough that unused answers disappear. */
const KEPT_SECONDS = 3_600;

/**
 * The answer with this name, made if the data center does not have it.
 * @param name a URL of ours that nothing else uses
 * @param defer lets the write continue after the answer is sent
 */
export async function fromEdge(
  name: string,
  make: () => Promise<Response>,
  defer: (work: Promise<unknown>) => void,
): Promise<Response> {
  const cache = caches.default;
  const known = await cache.match(name);
  if (known) return known;
  const made = await make();
  const kept = made.clone();
  kept.headers.set("Cache-Control", `public, max-age=${KEPT_SECONDS}`);
  defer(cache.put(name, kept));
  return made;
}
