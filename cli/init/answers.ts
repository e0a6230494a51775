import { usageError } from '../command-error.ts';
import type { Template } from '../vendor-template/content.ts';
import { byName, type Part, partNames, tokenPlaceholder } from './part.ts';

/** What somebody has answered, by the ids of the questions. */
export type Answers = ReadonlyMap<string, string>;

export const paramId = (param: string) => `param ${param}`;
export const mapId = (part: string) => `map ${part}`;

/** The option that answers a question, as it is typed. */
export function flagOf(id: string, example: string): string {
  if (id === paramId('infinstorMlflowUrl')) return `--url '${example}'`;
  const [option = '', name = ''] = id.split(' ');
  return `--${option} '${name}=${example}'`;
}

/**
 * The answers in options.
 * @param params each `name=value`
 * @param map each `part=…`, or `subscriber.<parameter>=value`
 * @throws CommandError named InvalidRequest
 */
export function answersOf({ params, map }: { params: readonly string[]; map: readonly string[] }): Map<string, string> {
  const known = (name: string) => partNames.includes(name) || name.startsWith('subscriber.');
  return new Map([
    ...params.map((text) => {
      const [name, value] = split('--param', text);
      return [paramId(name), value] as const;
    }),
    ...map.map((text) => {
      const [name, value] = split('--map', text);
      if (!known(name)) throw usageError(`--map has no part '${name}'; the parts are ${partNames.join(', ')}`);
      return [mapId(name), value] as const;
    }),
  ]);
}

function split(option: string, text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw usageError(`${option} takes NAME=VALUE, not '${text}'`);
  return [name.trim(), value];
}

/** What is filled into the parameters of a part. */
function placeholdersOf(part: string): readonly string[] {
  if (part === 'boundary') return ['{boundaryArn}'];
  if (part === 'subscriber') return ['{userName}', '{emailId}'];
  return part.endsWith('customer-managed') ? ['{keyArn}'] : [];
}

/** A part as it is answered: `none`, `defaults`, or values of parameters; of the custom token the parameter alone. */
export function answerText(part: string, { parameters }: Pick<Part, 'parameters'>): string {
  if (parameters === null) return 'none';
  const entries = Object.entries(parameters);
  if (part === 'customToken') return entries.map(([name]) => name).join();
  return entries.map(([name, value]) => `${name}=${value}`).join(',') || 'defaults';
}

/**
 * A part from its answer.
 * @throws CommandError named InvalidRequest for what the template does not take
 */
export function answeredPart(part: string, text: string, template: Template): Part {
  const given = { sureness: 'given', why: 'it was given' } as const;
  const answer = text.trim();
  if (part === 'customToken') {
    return { ...given, parameters: { [checked(answer, tokenPlaceholder, part, template)]: '' } };
  }
  if (answer === 'none') {
    if (part === 'subscriber') throw usageError('subscriber needs a parameter that takes {userName}');
    return { ...given, parameters: null };
  }
  const parameters = (answer === 'defaults' ? [] : answer.split(',')).map((pair) => {
    const [name, value] = split(part, pair.trim());
    return [checked(name, value, part, template), value] as const;
  });
  const needed = placeholdersOf(part)[0];
  if (needed !== undefined && !parameters.some(([, value]) => value.includes(needed))) {
    throw usageError(`${part} needs a parameter that takes ${needed}`);
  }
  return { ...given, parameters: Object.fromEntries(parameters) };
}

/** The value that a parameter gets for every subscriber. @throws CommandError named InvalidRequest */
export function answeredValue(name: string, value: string, template: Template): string {
  checked(name, value, 'subscriber', template);
  return value;
}

function checked(name: string, value: string, part: string, template: Template): string {
  const parameter = byName(template).get(name);
  if (parameter === undefined) throw usageError(`${part}: the template has no parameter '${name}'`);
  const foreign = value.match(/\{\w+\}/g)?.find((each) => ![...placeholdersOf(part), tokenPlaceholder].includes(each));
  if (foreign !== undefined) throw usageError(`${part}: ${foreign} is not filled in there`);
  const { allowedValues } = parameter;
  if (allowedValues !== null && !allowedValues.includes(value)) {
    throw usageError(`${part}: ${name} takes ${allowedValues.join(', ')}, not '${value}'`);
  }
  return name;
}
