// An activation's id contains its license's id, so it is found among the clustered rows of the license. That saves an
// index, and the writes for it. Pure.

/** @param ulid a new one; its last ten characters are enough within a license */
export const activationIdOf = (licenseId: string, ulid: string): string =>
  `act_${licenseId.replace(/^lic_/, "")}_${ulid.slice(-10)}`;

/** The license that an activation's id names. */
export const licenseIdOf = (activationId: string): string =>
  activationId.replace(/^act_/, "lic_").replace(/_[^_]*$/, "");
