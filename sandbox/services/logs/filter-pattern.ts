import { AwsError } from '../../core/operation.ts';

/** Whether the message of a log event passes a filter. */
export type Filter = (message: string) => boolean;

/**
 * The filter of a pattern, as far as the sandbox has patterns: one comparison of a JSON property with a text, in which `*` stands for anything; or terms,
 * of which a message has all, or with `?` before each any one. Case matters (CloudWatch Logs user guide, "Filter pattern syntax").
 * @throws AwsError InvalidParameterException for a pattern that is wrong, or that the sandbox does not have
 */
export function filterOf(pattern: string): Filter {
  const text = pattern.trim();
  if (text === '') return () => true;
  return /^[{]/.test(text) ? ofProperty(text) : ofTerms(text);
}

/** `{ $.executionArn = "arn:aws:…" }`; a message that is no JSON does not pass. */
function ofProperty(pattern: string): Filter {
  const [, path, quoted, bare = ''] =
    /^\{\s*\$((?:\.[\w-]+)+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([\w*.-]+))\s*\}$/.exec(pattern) ?? [];
  if (path === undefined) throw notHere(pattern);
  // A bare number compares numbers.
  if (quoted === undefined && /^[\d.-]/.test(bare)) throw notHere(pattern);
  const expected = (quoted ?? bare).replaceAll(/\\(.)/g, '$1');
  const form = new RegExp(`^${expected.split('*').map(escaped).join('.*')}$`, 's');
  return (message) => {
    const value = propertyOf(message, path.slice(1).split('.'));
    return typeof value === 'string' && form.test(value);
  };
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

function propertyOf(message: string, path: readonly string[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** Terms with other characters than letters, digits and underscores stand in quotes. */
function ofTerms(pattern: string): Filter {
  const terms = [...pattern.matchAll(/(\?)?(?:"([^"]+)"|(\w+))(?:\s+|$)/gy)];
  if (terms.map(([term]) => term).join('') !== pattern) throw notHere(pattern);
  const texts = terms.map(([, , quoted, bare = '']) => quoted ?? bare);
  const optional = terms.filter(([, mark]) => mark === '?').length;
  if (optional === 0) return (message) => texts.every((text) => message.includes(text));
  // AWS ignores the marks when not all terms have one.
  if (optional < terms.length) throw notHere(pattern);
  return (message) => texts.some((text) => message.includes(text));
}

const notHere = (pattern: string) =>
  new AwsError('InvalidParameterException', `The sandbox has no filter pattern of this form: ${pattern}`);
