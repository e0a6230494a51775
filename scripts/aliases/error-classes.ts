import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

const classes = /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]models[\\/]errors\.js$/;
const schemas = /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]schemas_0\.js$/;

/**
 * Keeps the classes of those AWS errors out of the bundles that no function names: a client brings one for every error of its
 * service (KMS: 48), and registers them all, so that none can be tree-shaken.
 *
 * Safe, because an error that a client does not know is thrown as the client's base class, with the name, message and status that
 * the service sent. Where the service's code differs from the error's name, which the Query protocol has to translate, the
 * translation stays, as a line of a table. Errors that the SDK retries by a trait of their class stay, too.
 * @param usedWords every word in the functions' sources: an error whose name is among them stays
 */
export function withoutUnusedErrors(usedWords: ReadonlySet<string>): Plugin {
  return {
    name: 'without-unused-errors',
    setup({ onLoad }) {
      onLoad({ filter: schemas }, async ({ path }) => {
        const client = join(dirname(path), '..');
        const [text = '', errors = '', config = ''] = await Promise.all(
          [path, join(client, 'models/errors.js'), join(client, 'runtimeConfig.shared.js')].map((file) =>
            readFile(file, 'utf8'),
          ),
        );
        const retryable = retryableErrors(errors);
        const isKept = (name: string) => usedWords.has(name) || retryable.has(name);
        const isTranslated = /AwsQueryProtocol|awsQueryCompatible/.test(config);
        const contents = withoutUnusedMembers(reduced(text, { isKept, isTranslated }), usedWords);
        return { contents: withLiterals(contents), loader: 'js' };
      });
      onLoad({ filter: classes }, async ({ path }) => ({
        contents: compact(await readFile(path, 'utf8')),
        loader: 'js',
      }));
    },
  };
}

/** The errors with the trait that retries go by. */
function retryableErrors(errors: string): Set<string> {
  const texts = errors.split(/^export class /m).filter((text) => text.includes('$retryable'));
  return new Set(texts.map((text) => text.slice(0, text.indexOf(' '))));
}

function reduced(
  text: string,
  { isKept, isTranslated }: { isKept: (name: string) => boolean; isTranslated: boolean },
): string {
  const translated: string[] = [];
  const registration = /^export var (\w+)\$ = (\[-3, n0,[^;]*?\n\]);\nn0_registry\.registerError\(\1\$, \1\);\n/gm;
  const rest = text.replace(registration, (whole: string, name: string, schema: string) => {
    if (isKept(name)) return whole;
    const code = /\[_aQE\]: \[`([^`]+)`/.exec(schema)?.[1] ?? name;
    const fault = /\[_e\]: _se\b/.test(schema) ? 'server' : 'client';
    if (isTranslated && code !== name) translated.push(JSON.stringify([name, code, fault]));
    return '';
  });
  if (translated.length === 0) return rest;
  const base = /registerError\((\w+ServiceException)\$, \1\)/.exec(rest)?.[1];
  if (base === undefined) throw new Error('The SDK registers its base exceptions otherwise now');
  return `import { serviceError } from ${JSON.stringify(join(import.meta.dirname, 'service-error.ts'))};
${rest}
for (const [name, code, fault] of [${translated.join(',')}]) {
  n0_registry.registerError([-3, n0, name, { awsQueryError: [code], error: fault }, [], []], serviceError(${base}, n0 + '#' + name, fault));
}`;
}

/** Structures that stand in answers alone, beside those whose names say so. */
const answers = 'AssumeRoleRequest|HistoryEvent|KeyMetadata|ParameterDeclaration|Stack|StackEvent|StackResourceSummary';

/**
 * Leaves those members out of the schemas of answers that no function names and the SDK itself does not read, as it does where lists
 * go on and for checksums: DescribeStacks tells 36 things of a stack. Members of an answer that its schema does not know are left
 * out when it is parsed. Of an execution's events only the details go, of which there are 37 kinds; and what nobody asks of STS
 * goes, too.
 */
function withoutUnusedMembers(text: string, usedWords: ReadonlySet<string>): string {
  const structure = new RegExp(
    `^(export var (${answers}|\\w+(?:Output|Response|Result))\\$ = \\[3, n0, \\w+,\\n {4}0,\\n) {4}\\[(.+)\\],\\n {4}\\[(.+)\\](?:, (\\d+))?\\n`,
    'gm',
  );
  return text.replace(
    structure,
    (_whole, head: string, schema: string, names: string, types: string, required = '0') => {
      const members = names.split(', ');
      const memberTypes = elements(types);
      if (members.length !== memberTypes.length) throw new Error(`The schema of ${schema} is written otherwise now`);
      const kept = members.flatMap((member, index) => {
        const name = new RegExp(`^const ${member} = "([\\w.-]+)";$`, 'm').exec(text)?.[1] ?? '';
        const isLoose = schema === 'HistoryEvent' && !name.endsWith('EventDetails');
        const isNeeded = isLoose || /next|marker|lastEvaluated|^MD5/i.test(name) || usedWords.has(name);
        return isNeeded ? [{ member, type: memberTypes[index], isRequired: index < Number(required) }] : [];
      });
      const list = (key: 'member' | 'type') => `    [${kept.map((entry) => entry[key]).join(', ')}]`;
      return `${head}${list('member')},\n${list('type')}, ${kept.filter(({ isRequired }) => isRequired).length}\n`;
    },
  );
}

/** The elements of a list, of which some are lists or objects themselves. */
function elements(list: string): string[] {
  let depth = 0;
  let current = '';
  const found: string[] = [];
  for (const character of list) {
    depth += '[{('.includes(character) ? 1 : ']})'.includes(character) ? -1 : 0;
    if (character === ',' && depth === 0) {
      found.push(current.trim());
      current = '';
    } else current += character;
  }
  return [...found, current.trim()];
}

/** Computed keys and numbers, even of constants, keep schemas that nothing uses from being tree-shaken. */
function withLiterals(text: string): string {
  const constants = new Map(
    [...text.matchAll(/^const (\w+) = ("[^"]+");$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const literal = text.replace(
    /\b(\d+) \| (\d+)\b/g,
    (_whole, one: string, other: string) => `${Number(one) | Number(other)}`,
  );
  return literal.replace(/\[(_\w+)\]: /g, (whole, name: string) => {
    const value = constants.get(name);
    return value === undefined ? whole : `${value}: `;
  });
}

/** Writes the classes shorter: they differ in their names, and in who is at fault, only. */
function compact(errors: string): string {
  const plain =
    /^export class (\w+) extends __BaseException \{\n {4}static shapeId = (".*");\n {4}name = "\1";\n {4}\$fault = ("\w+");\n((?: {4}\w+;\n)*) {4}constructor\(opts\) \{\n {8}super\(\{\n {12}name: "\1",\n {12}\$fault: \3,\n {12}\.\.\.opts,\n {8}\}\);\n {8}Object\.setPrototypeOf\(this, \1\.prototype\);\n(?: {8}this\.(\w+) = opts\.\5;\n)* {4}\}\n\}/gm;
  const written = errors.replace(plain, (_whole, name: string, shapeId: string, fault: string, members: string) => {
    const list = JSON.stringify(members.match(/\w+/g) ?? []);
    return `export const ${name} = /* @__PURE__ */ serviceError(__BaseException, ${shapeId}, ${fault}, ${list});`;
  });
  return `import { serviceError } from ${JSON.stringify(join(import.meta.dirname, 'service-error.ts'))};\n${written}`;
}
