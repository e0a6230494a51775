// js-yaml, where the rest of the project has `yaml`: 46 KB of a bundle rather than 115.
import { CORE_SCHEMA, defineMappingTag, defineScalarTag, defineSequenceTag, load } from 'js-yaml';

/** `!Sub x` is `Fn::Sub: x`; `!Ref` and `!Condition` have no prefix ("Intrinsic function reference", CloudFormation template reference). */
const longForm = (tag: string) => (tag === '!Ref' || tag === '!Condition' ? tag.slice(1) : `Fn::${tag.slice(1)}`);

const shortForm = { matchByTagPrefix: true, identify: () => false };
const schema = CORE_SCHEMA.withTags(
  defineScalarTag('!', { ...shortForm, resolve: (source, _isExplicit, tag) => ({ [longForm(tag)]: source }) }),
  defineSequenceTag('!', {
    ...shortForm,
    create: (tag): { tag: string; items: unknown[] } => ({ tag, items: [] }),
    addItem: ({ items }, item) => void items.push(item),
    finalize: ({ tag, items }) => ({ [longForm(tag)]: items }),
  }),
  defineMappingTag('!', {
    ...shortForm,
    create: (tag): { tag: string; entries: Map<unknown, unknown> } => ({ tag, entries: new Map() }),
    addPair({ entries }, key, value) {
      entries.set(key, value);
      return '';
    },
    has: ({ entries }, key) => entries.has(key),
    keys: () => [],
    get: () => undefined,
    finalize: ({ tag, entries }) => ({ [longForm(tag)]: Object.fromEntries(entries) }),
  }),
);

/** What stands in a template, in YAML or JSON, with its functions in their long form; undefined when it cannot be read. */
export function templateContent(template: string): unknown {
  try {
    return load(template, { schema });
  } catch {
    return undefined;
  }
}
