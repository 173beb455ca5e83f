// Answers kept by the data center that made them, under a name that says which content it is: what a name stands
// for never changes, so nothing ever has to be purged.

/** Long enough that whoever asks for the same finds it, short enough that what nobody asks for is gone. */
const KEPT_SECONDS = 3_600;

/**
 * The answer of this name, made where the data center does not have it.
 * @param name a URL of ours that nothing else is known by
 * @param defer lets the writing go on after the answer is sent
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
