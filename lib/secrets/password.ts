import { randomBytes, randomInt } from 'node:crypto';

const classes = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '!#%+-=?@_'];

/** A password of 32 characters with at least one of each class that the vendor's pools ask for. */
export function generatePassword(): string {
  const required = classes.map((characters) => pick(characters));
  const rest = Array.from({ length: 28 }, () => pick(classes.join('')));
  return shuffled([...required, ...rest]).join('');
}

function pick(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}

function shuffled(characters: string[]): string[] {
  return characters
    .map((character) => ({ character, order: randomBytes(8).readBigUInt64BE() }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ character }) => character);
}
