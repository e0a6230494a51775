import type { Template, TemplateParameter } from '../vendor-template/content.ts';
import { reportedParameters } from './by-resources.ts';
import { type Choosing, choicesOf, type Part, wordsOf } from './part.ts';

/** The words that say what a parameter is about, in its name or its description. */
const about = {
  artifacts: /\b(s3|bucket|artifacts?)\b/,
  tracking: /\b(dynamo(db)?|ddb|tables?|tracking)\b/,
  boundary: /\bboundary\b/,
  token: /\btoken\b/,
  email: /\be ?mail\b/,
} as const;

/** What the values of a choice are called, as far as anybody knows: in the vendor's guide, in the names of S3 and DynamoDB, and in use. */
const valuesOfChoices: Readonly<Record<string, RegExp>> = {
  'sse-s3': /^(sse-?s3|aes-?256|s3(-managed)?|none|default|disabled|false|no)\b/,
  'sse-kms-aws-managed': /aws[- ]?managed|^(sse-?kms|aws:kms|kms)$/,
  'sse-kms-customer-managed': /customer|\bcmk\b|\bcustom\b/,
  'aws-owned': /owned|^(none|default|disabled|false|no)$/,
  'aws-managed': /aws[- ]?managed|^(kms|sse-?kms|aws:kms)$/,
  'customer-managed': /customer|\bcmk\b|\bcustom\b/,
};

const spoken = (parameter: TemplateParameter) => wordsOf(parameter.name).join(' ');
const described = ({ description }: TemplateParameter) => description.toLowerCase();

/** Whether the name says it, or the description where the name says nothing of the kind. */
function isAbout(topic: 'artifacts' | 'tracking', parameter: TemplateParameter): boolean {
  const other = topic === 'artifacts' ? 'tracking' : 'artifacts';
  if (about[topic].test(spoken(parameter))) return true;
  return !about[other].test(spoken(parameter)) && about[topic].test(described(parameter));
}

const isKey = (parameter: TemplateParameter) =>
  parameter.type === 'String' && parameter.allowedValues === null && /\b(kms|cmk|key)\b/.test(spoken(parameter));

/**
 * What each choice of encryption needs, as far as names and allowed values say, where the template does not show its bucket or table.
 * @returns by the choice, only those that the names offer
 */
export function encryptionByName(template: Template, choosing: Choosing): Map<string, Part> {
  const own = template.parameters.filter((parameter) => isAbout(choosing, parameter));
  const keys = own.filter(isKey);
  const [key] = keys;
  const options = own.flatMap((parameter) => {
    const values = valuesOf(parameter, choosing);
    return values.size >= 2 ? [{ parameter, values }] : [];
  });
  const [option] = options;
  const isClear = options.length <= 1 && keys.length <= 1;
  const parts = choicesOf[choosing].flatMap((choice): [string, Part][] => {
    const isOwnKey = choice.endsWith('customer-managed');
    if (isOwnKey && key === undefined) return [];
    const ofKey: Record<string, string> = isOwnKey && key !== undefined ? { [key.name]: '{keyArn}' } : {};
    if (option === undefined) {
      // A key alone decides between the default and itself.
      if (key === undefined || choice.endsWith('aws-managed')) return [];
      const why = `only ${key.name} concerns it, by its name`;
      return [[choice, { parameters: ofKey, sureness: 'unsure', why }]];
    }
    const value = option.values.get(choice);
    if (value === undefined) return [];
    const why = `by the name of ${option.parameter.name} and its allowed values`;
    const parameters = { [option.parameter.name]: value, ...ofKey };
    return [[choice, { parameters, sureness: isClear ? 'likely' : 'unsure', why }]];
  });
  return new Map(parts);
}

/** By the choice, the allowed value that means it, where just one does. */
function valuesOf({ allowedValues }: TemplateParameter, choosing: Choosing): Map<string, string> {
  return new Map(
    choicesOf[choosing].flatMap((choice) => {
      const [value, ...others] = (allowedValues ?? []).filter((each) =>
        valuesOfChoices[choice]?.test(each.toLowerCase()),
      );
      return value === undefined || others.length > 0 ? [] : [[choice, value] as const];
    }),
  );
}

/** What gives the template's roles a permissions boundary, by names. */
export function boundaryByName(template: Template): Part {
  const own = template.parameters.filter((parameter) => about.boundary.test(spoken(parameter)));
  const arns = own.filter(({ allowedValues, type }) => allowedValues === null && type === 'String');
  const switches = own.filter(({ allowedValues }) => allowedValues !== null && yes(allowedValues) !== undefined);
  const [arn] = arns;
  if (arn === undefined) {
    return { parameters: null, sureness: 'unsure', why: 'no parameter has boundary in its name' };
  }
  const ofSwitch = switches.map(({ name, allowedValues }) => [name, yes(allowedValues ?? []) ?? ''] as const);
  return {
    parameters: { ...Object.fromEntries(ofSwitch), [arn.name]: '{boundaryArn}' },
    sureness: arns.length === 1 && switches.length <= 1 ? 'likely' : 'unsure',
    why: 'by the names',
  };
}

const yes = (values: readonly string[]) =>
  values.length === 2 ? values.find((value) => /^(true|yes|1|enabled|on)$/i.test(value)) : undefined;

/** The parameter that takes the custom token; undefined when none is like it. */
export function tokenByName(template: Template): Part | undefined {
  const reported = reportedParameters(template);
  const rated = template.parameters
    .filter(({ type, allowedValues }) => type === 'String' && allowedValues === null)
    .map((parameter) => {
      const facts = [
        { is: about.token.test(spoken(parameter)), points: 3, why: 'it has token in its name' },
        { is: parameter.noEcho, points: 2, why: 'it is NoEcho' },
        { is: about.token.test(described(parameter)), points: 2, why: 'its description speaks of a token' },
        { is: reported.has(parameter.name), points: 1, why: 'a custom resource receives it' },
        { is: parameter.default === null, points: 1, why: 'it has no default' },
      ].filter(({ is }) => is);
      return { name: parameter.name, points: facts.reduce((sum, { points }) => sum + points, 0), facts };
    })
    .toSorted((one, other) => other.points - one.points);
  const [best, second] = rated;
  if (best === undefined || best.points < 3) return undefined;
  const lead = best.points - (second?.points ?? 0);
  const sureness = lead < 2 ? 'unsure' : best.points >= 5 ? 'certain' : 'likely';
  return { parameters: { [best.name]: '' }, sureness, why: best.facts.map(({ why }) => why).join(', ') };
}

/** The parameter that takes the subscriber's name, where no role shows it. */
export function userNameByName(template: Template, taken: ReadonlySet<string>): Part | undefined {
  const free = template.parameters.filter(
    ({ name, type, allowedValues }) => type === 'String' && allowedValues === null && !taken.has(name),
  );
  const named = free.filter(
    (parameter) =>
      /\b(subscriber|tenant|customer|user)\b/.test(spoken(parameter)) &&
      !about.email.test(spoken(parameter)) &&
      !/\b(arn|key|policy|bucket|table|id|role|password|token|account)\b/.test(spoken(parameter)),
  );
  const required = named.filter((parameter) => parameter.default === null);
  const [first] = required.length > 0 ? required : named;
  if (first === undefined) return undefined;
  const isSole = required.length === 1 || (required.length === 0 && named.length === 1);
  return {
    parameters: { [first.name]: '{userName}' },
    sureness: isSole && /\b(subscriber|user|tenant)\b/.test(spoken(first)) ? 'likely' : 'unsure',
    why: 'by its name',
  };
}

/** Whether a parameter may be the subscriber's e-mail address: surely so called, or perhaps. */
export function emailLikeness(parameter: TemplateParameter): 'named' | 'perhaps' | undefined {
  if (parameter.type !== 'String' || parameter.allowedValues !== null) return undefined;
  if (about.email.test(spoken(parameter))) return 'named';
  return about.email.test(described(parameter)) || /\bcontact\b/.test(spoken(parameter)) ? 'perhaps' : undefined;
}
