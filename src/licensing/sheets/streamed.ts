// A file as a stream: page by page, so that it needs only the memory of one page, and a slow reader sets the pace.
import type { Context } from "../../context.ts";
import { databaseMessage } from "../../storage/failures.ts";

/** The pages as bytes. If one cannot be made, the bytes end with an error, never just early. */
export function streamed(context: Context, pages: AsyncGenerator<string, void>): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  return new ReadableStream(
    {
      // Called when the previous page was read: that is the back-pressure.
      async pull(controller) {
        try {
          const { done, value } = await pages.next();
          if (done) controller.close();
          else controller.enqueue(utf8.encode(value));
        } catch (error) {
          // The answer has begun, so it can only be broken off: a part must not look like the whole.
          const { requestId } = context;
          context.log("error", { event: "export", request_id: requestId, error: databaseMessage(error) });
          throw error;
        }
      },
    },
    { highWaterMark: 0 },
  );
}
