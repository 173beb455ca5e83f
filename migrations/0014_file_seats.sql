-- Seats of installations without a network, which have them by files.

-- The request of the last proven claim: a receipt names the request that its certificate answered, and is good for no
-- other. Null where a release before this one made the claim.
ALTER TABLE activations ADD COLUMN proven_request TEXT;

-- The public key (the x of an Ed25519 JWK) that the installation proved in its request file, and when it first did.
ALTER TABLE activations ADD COLUMN public_key TEXT;
ALTER TABLE activations ADD COLUMN public_key_since INTEGER;

-- When staff freed the seat while its file may still run somewhere. It counts until the file ends.
ALTER TABLE activations ADD COLUMN freed_at INTEGER;
