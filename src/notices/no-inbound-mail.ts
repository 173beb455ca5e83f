// Stands in the bundle for postal-mime, the parser with which Resend's SDK reads mail that was received: an eighth
// of the bundle for something that this service never does. See [alias] in wrangler.toml.
export default {
  parse(): never {
    throw new Error("This service receives no mail.");
  },
};
