import { AwsError } from '../../core/operation.ts';

type Literal = string | number | boolean | null;
/** Whether the value at a place in the event matches the pattern; `undefined` is an absent value. */
type Matcher = (value: unknown) => boolean;

/**
 * Compiles an EventBridge event pattern: nested objects, arrays of literals, and the matchers `prefix`, `suffix`, `wildcard`,
 * `exists`, `anything-but` and `equals-ignore-case`. Throws InvalidEventPatternException for anything else.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function compileEventPattern(pattern: unknown): (event: unknown) => boolean {
  if (!isObject(pattern)) throw invalid('Filter is not an object');
  return compileObject(pattern);
}

function compileObject(pattern: Record<string, unknown>): Matcher {
  const fields = Object.entries(pattern).map(([name, value]) => [name, compileField(name, value)] as const);
  if (fields.length === 0) throw invalid('Empty objects are not allowed');
  const matchesObject = (value: unknown) => {
    const object = isObject(value) ? value : {};
    return fields.every(([name, matches]) => matches(Object.hasOwn(object, name) ? object[name] : undefined));
  };
  return (value) => (Array.isArray(value) ? value.some(matchesObject) : matchesObject(value));
}

function compileField(name: string, pattern: unknown): Matcher {
  if (name.startsWith('$')) throw invalid(`Unrecognized match type ${name}`);
  if (isObject(pattern)) return compileObject(pattern);
  if (!Array.isArray(pattern)) throw invalid(`"${name}" must be an object or an array`);
  if (pattern.length === 0) throw invalid('Empty arrays are not allowed');
  const alternatives = pattern.map(compileMatcher);
  return (value) => alternatives.some((matches) => matches(value));
}

function compileMatcher(pattern: unknown): Matcher {
  if (isLiteral(pattern)) return anyElement((element) => element === pattern);
  const entry = isObject(pattern) ? Object.entries(pattern) : [];
  const [type, operand] = entry[0] ?? [];
  if (type === undefined || entry.length !== 1) throw invalid('Only one key allowed in match expression');
  switch (type) {
    case 'prefix':
      return onText(type, operand, (text, prefix) => text.startsWith(prefix));
    case 'suffix':
      return onText(type, operand, (text, suffix) => text.endsWith(suffix));
    case 'wildcard': {
      const expression = typeof operand === 'string' ? wildcardExpression(operand) : /^/;
      return onText(type, operand, (text) => expression.test(text));
    }
    case 'equals-ignore-case':
      return onText(type, operand, (text, other) => text.toLowerCase() === other.toLowerCase());
    case 'exists': {
      if (typeof operand !== 'boolean') throw invalid('exists match pattern must be either true or false.');
      // AWS asks it of leaves alone: an object counts as absent.
      return (value) => (value !== undefined && !isObject(value)) === operand;
    }
    case 'anything-but': {
      const refused: unknown[] = Array.isArray(operand) ? operand : [operand];
      if (refused.length === 0 || !refused.every(isLiteral)) {
        throw invalid('Inside anything-but list, only literals are supported.');
      }
      return anyElement((element) => !refused.includes(element));
    }
    default:
      throw invalid(`Unrecognized match type ${type}`);
  }
}

/** `*` stands for any text; a backslash takes its meaning from it, or from another backslash. */
function wildcardExpression(pattern: string): RegExp {
  if (/(?<!\\)(?:\\\\)*\*\*/.test(pattern)) throw invalid('Consecutive wildcard characters');
  const source = pattern.replace(/\\(.?)|\*|[^\\*]+/gs, (part, escaped?: string) => {
    if (part === '*') return '.*';
    if (escaped === undefined) return part.replace(/[.+?^${}()|[\]]/g, '\\$&');
    if (escaped !== '*' && escaped !== '\\') throw invalid('Invalid escape character');
    return `\\${escaped}`;
  });
  return new RegExp(`^${source}$`, 's');
}

function onText(type: string, operand: unknown, matches: (text: string, operand: string) => boolean): Matcher {
  if (typeof operand !== 'string') throw invalid(`${type} match pattern must be a string`);
  return anyElement((element) => typeof element === 'string' && matches(element, operand));
}

/** An array in the event matches when one of its elements does. */
function anyElement(matches: (element: Literal) => boolean): Matcher {
  return (value) => (Array.isArray(value) ? value : [value]).some((element) => isLiteral(element) && matches(element));
}

const isLiteral = (value: unknown): value is Literal =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (reason: string) =>
  new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
