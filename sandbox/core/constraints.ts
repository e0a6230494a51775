import type * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

/** Members whose values AWS's service models call sensitive, or that may hold a secret here: what is wrong with one is said without it. */
const sensitive: readonly string[] = [
  'SecretString',
  'ParameterValue',
  'input',
  'output',
  'error',
  'cause',
  'taskToken',
  'PASSWORD',
  'REFRESH_TOKEN',
];

/**
 * What an operation says of an input that its schema does not take. Of constraints, AWS's services made from models name all that are broken, in these
 * words (recorded of KMS, EventBridge, Step Functions, Lambda, STS and CloudFormation: `test/workflow/recorded`). A message of a schema's own `v.check`
 * stands as it is. What AWS would ignore, or what no SDK can send, is said in words of the sandbox.
 */
export function refusal(issues: readonly [Issue, ...Issue[]]): string {
  const [first] = issues;
  if (first.type === 'check') return first.message;
  const broken = issues.flatMap((issue) => constraintOf(issue) ?? []);
  if (broken.length < issues.length)
    return `${pathOf(first, plainName) || 'input'}: expected ${first.expected ?? first.message}`;
  const errors = `${broken.length} validation error${broken.length === 1 ? '' : 's'} detected`;
  return `${errors}: ${broken.join('; ')}`;
}

function constraintOf(issue: Issue): string | undefined {
  const rule = ruleOf(issue);
  if (rule === undefined) return undefined;
  const path = pathOf(issue, wireName);
  const last = String(issue.path?.at(-1)?.key);
  const value = sensitive.includes(last) ? 'Value' : `Value ${shown(issue.input)}`;
  return `${value} at '${path}' failed to satisfy constraint: Member must ${rule}`;
}

/** What a member must be. An absent one is an issue of the object around it. */
function ruleOf({ type, expected, input, path, ...issue }: Issue): string | undefined {
  const requirement = 'requirement' in issue ? issue.requirement : undefined;
  switch (type) {
    case 'strict_object':
    case 'object':
      return input === undefined && path !== undefined && expected !== 'never' ? 'not be null' : undefined;
    case 'min_length':
    case 'non_empty':
      return `have length greater than or equal to ${requirement ?? 1}`;
    case 'max_length':
      return `have length less than or equal to ${requirement}`;
    case 'min_value':
      return `have value greater than or equal to ${requirement}`;
    case 'max_value':
      return `have value less than or equal to ${requirement}`;
    case 'regex':
      return requirement instanceof RegExp ? `satisfy regular expression pattern: ${sourceOf(requirement)}` : undefined;
    case 'picklist':
    case 'literal':
      return typeof input === 'string'
        ? `satisfy enum value set: [${(expected ?? '').replace(/["()]/g, '').replaceAll(' | ', ', ')}]`
        : undefined;
    default:
      return undefined;
  }
}

/** AWS's patterns are of the whole value anyway. */
const sourceOf = ({ source }: RegExp) => source.replace(/^\^|\$$/g, '').replaceAll('\\/', '/');

/** A value as AWS shows it; the members of lists and structures are not. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return typeof value === 'object' ? "'[…]'" : `'${value}'`;
}

const pathOf = ({ path }: Issue, name: (key: unknown) => string) => (path ?? []).map(({ key }) => name(key)).join('.');
const plainName = (key: unknown) => String(key);
/** Names begin with a small letter, and elements of lists are counted from 1. */
const wireName = (key: unknown) =>
  typeof key === 'number' ? `${key + 1}.member` : String(key).replace(/^[A-Z]/, (letter) => letter.toLowerCase());
