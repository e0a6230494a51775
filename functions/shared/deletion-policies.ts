import * as v from 'valibot';
import { parseJson } from './json.ts';

const templateSchema = v.object({
  Resources: v.record(v.string(), v.looseObject({ DeletionPolicy: v.optional(v.unknown()) })),
});

/**
 * The deletion policies that a template sets in so many words, by logical id. Of a template in YAML the block style alone is
 * read, which needs no parser: what is written otherwise is left out, and then counts as not retained.
 */
export function deletionPolicies(template: string): Map<string, string> {
  return template.trimStart().startsWith('{') ? inJson(template) : inYaml(template);
}

function inJson(template: string): Map<string, string> {
  const parsed = v.safeParse(templateSchema, parseJson(template));
  const policies = new Map<string, string>();
  if (!parsed.success) return policies;
  for (const [logicalId, { DeletionPolicy }] of Object.entries(parsed.output.Resources)) {
    if (typeof DeletionPolicy === 'string') policies.set(logicalId, DeletionPolicy);
  }
  return policies;
}

/**
 * In YAML's block style all members of a map have one indentation, and whatever belongs to a member, also the further lines of
 * a text, stands deeper (YAML 1.2, chapters 6.1 and 8.2).
 */
function inYaml(template: string): Map<string, string> {
  const policies = new Map<string, string>();
  let isInResources = false;
  let resource: { logicalId: string; indentation: number } | undefined;
  let memberIndentation: number | undefined;
  for (const line of template.split(/\r?\n/)) {
    const indentation = line.search(/[^ ]/);
    if (indentation < 0 || line[indentation] === '#') continue;
    const [, , key, value = ''] = /^ *(['"]?)([\w:.-]+)\1 *:(?:[ \t]+(.*))?$/.exec(line) ?? [];
    const text = value.replace(/(^|[ \t]+)#.*$/, '').trim();
    if (indentation === 0) {
      isInResources = key === 'Resources' && text === '';
      resource = undefined;
    } else if (!isInResources) {
    } else if (resource === undefined || indentation <= resource.indentation) {
      // One that is written in another way than on lines of its own hides what is deeper.
      resource = { logicalId: key !== undefined && text === '' ? key : '', indentation };
      memberIndentation = undefined;
    } else {
      memberIndentation ??= indentation;
      if (indentation !== memberIndentation || key !== 'DeletionPolicy' || resource.logicalId === '') continue;
      const [, , policy] = /^(['"]?)(\w+)\1$/.exec(text) ?? [];
      if (policy !== undefined) policies.set(resource.logicalId, policy);
    }
  }
  return policies;
}
