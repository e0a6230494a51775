import * as v from 'valibot';
import { NewerDataVersion } from './errors.ts';

/**
 * The version of what this code writes into the registry and into secrets, in the attribute `schemaVersion`. 0.1.0 wrote none, which is
 * version 1. It grows only when earlier code would misread what is written, or lose some of it: a field that may be absent needs no new
 * version. Code of version N reads what N-1 and N-2 have written, and neither reads nor writes over what a newer one has: after a deployment
 * was rolled back, only the newer code knows what that means (docs/decisions/0059-versions-of-data.md).
 */
export const dataVersion = 2;

/** A value as it is written, with the version. */
export const versioned = <Value extends object>(value: Value) => ({ ...value, schemaVersion: dataVersion });

/** The condition of a write that is made without a read before, with its value: nothing newer is there. */
export const notNewer = '(attribute_not_exists(schemaVersion) OR schemaVersion <= :dataVersion)';
export const notNewerValues = { ':dataVersion': dataVersion };

// As the document client returns it, or as it is on the wire, where a refusal has it.
const versionedSchema = v.object({ schemaVersion: v.union([v.number(), v.object({ N: v.string() })]) });

/**
 * Requires that a value was written by code of this version or an earlier one.
 * @param what it is, for the message
 * @throws NewerDataVersion
 */
export function requireKnownVersion(value: unknown, what: string): void {
  const { success, output } = v.safeParse(versionedSchema, value);
  if (!success) return;
  const found = typeof output.schemaVersion === 'number' ? output.schemaVersion : Number(output.schemaVersion.N);
  if (found > dataVersion) throw new NewerDataVersion(what, found, dataVersion);
}
