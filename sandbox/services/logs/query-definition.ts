import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';

/** A saved query of Logs Insights. */
export interface QueryDefinition {
  name: string;
  queryString: string;
  logGroupNames: readonly string[];
}

/** The saved queries of an account in a Region, by id. */
export type QueryDefinitions = Map<string, QueryDefinition>;

interface Parts {
  queryDefinitions: QueryDefinitions;
  onAccess: OnAccess;
}

const groupName = v.pipe(v.string(), v.minLength(1), v.maxLength(512), v.regex(/^[.\-_/#A-Za-z0-9]+$/));
const queryDefinitionProperties = v.strictObject({
  // A slash makes folders.
  Name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  QueryString: v.pipe(v.string(), v.minLength(1), v.maxLength(10_000)),
  LogGroupNames: v.optional(v.pipe(v.array(groupName), v.maxLength(50)), []),
});

/** `AWS::Logs::QueryDefinition`. The query is kept, and neither read nor run. */
export function queryDefinitionProvider({ queryDefinitions, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { Name, QueryString, LogGroupNames } = parseProperties(queryDefinitionProperties, context);
    // These actions know no resources (service authorization reference).
    const ask = (by: typeof context.caller, ...actions: readonly string[]) => {
      for (const action of actions) onAccess(by, { action: `logs:${action}`, resource: '*' });
    };
    ask(context.caller, 'PutQueryDefinition', 'DescribeQueryDefinitions');
    const id = context.previous?.physicalId ?? randomUUID();
    queryDefinitions.set(id, { name: Name, queryString: QueryString, logGroupNames: LogGroupNames });
    return {
      physicalId: id,
      attributes: { QueryDefinitionId: id },
      delete(by) {
        ask(by, 'DescribeQueryDefinitions', 'DeleteQueryDefinition');
        queryDefinitions.delete(id);
      },
    };
  };
}
