import { KeyNotUsable } from '../errors.ts';

/** The tag by which a key's owner says which subscribers may use the key; IAM enforces that it is there. */
export const keyTagName = 'infinstor-onboarding';

/** The value that allows the key to every subscriber. In a list it is the userName of one. */
const anybody = 'allowed';

/**
 * Requires that a key's owner allows it to a subscriber. The tag's value is `allowed`, for any, or userNames with blanks between them; one with
 * a hyphen at its end stands for all that begin so. KMS takes no `*` in a tag's value (error TagException), and no userName ends with a hyphen.
 * Upper and lower case are the same in userNames (docs/decisions/0032-whose-it-is.md).
 * @param value of the tag; undefined without one
 * @throws KeyNotUsable
 */
export function requireAllowed(keyArn: string, value: string | undefined, userName: string): void {
  if (value === undefined || value.trim() === '') {
    throw new KeyNotUsable(keyArn, `it does not have the tag ${keyTagName}, by which its owner allows it`);
  }
  if (value === anybody || value.split(/\s+/).some((entry) => isFor(entry.toLowerCase(), userName.toLowerCase())))
    return;
  throw new KeyNotUsable(
    keyArn,
    `its tag ${keyTagName} does not allow it to ${userName}: the value is neither ${anybody} nor a list of userNames with this one`,
  );
}

function isFor(entry: string, userName: string): boolean {
  return entry.length > 1 && entry.endsWith('-') ? userName.startsWith(entry) : entry === userName;
}
