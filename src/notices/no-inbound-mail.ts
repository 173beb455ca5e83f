// Replaces postal-mime in the bundle. Resend's SDK parses received mail with it, which this service never does, and it
// would be an eighth of the bundle. See src/dev/bundle.
export default {
  parse(): never {
    throw new Error("This service receives no mail.");
  },
};
