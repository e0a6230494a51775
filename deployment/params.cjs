// The params of the stage: stages/<stage>.yml, which has what differs, on top of stages/default.yml. serverless.yml reads this file.
// `npm run package` also checks the values (deployment/params/check.ts); this is what osls alone must not pass over.

const { existsSync, readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parse } = require('yaml');

const folder = resolve(__dirname, '../stages');

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  const defaults = read('default');
  if (['default', 'example'].includes(stage))
    throw new Error(`stages/${stage}.yml is for all stages: no stage can have this name`);
  const own = read(stage);
  if (own === undefined) {
    throw new Error(
      `The stage ${stage} has no file stages/${stage}.yml: docs/deploying.md, step 2, says what to write`,
    );
  }
  const unknown = Object.keys(own).filter((name) => !Object.hasOwn(defaults, name));
  if (unknown.length > 0) throw new Error(`stages/${stage}.yml: ${unknown.join(', ')}: no such param (docs/params.md)`);
  return { default: defaults, [stage]: own };
};

/** The params in a file; none in one that has only comments. */
function read(name) {
  const path = join(folder, `${name}.yml`);
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) ?? {}) : undefined;
}
