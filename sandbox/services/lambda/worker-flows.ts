import { channel } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import * as v from 'valibot';

/** The TCP flows of a worker thread's code. */
export interface WorkerFlows {
  /**
   * From now on nothing is sent over the open flows of this owner that anybody would answer.
   * @returns their local ports
   */
  drop(owner: unknown): number[];
  isDropped(socket: unknown): boolean;
  /** Drops the flows of an owner that is gone from the list. */
  forget(owner: unknown): void;
}

const messageSchema = v.object({ socket: v.instance(Socket) });

/** Knows the flows that the code of this thread opens, by who was the owner of the code then. */
export function watchFlows(owner: () => unknown): WorkerFlows {
  const open = new Map<unknown, Set<Socket>>();
  const dropped = new WeakSet<Socket>();

  // Node publishes every socket that connects, also those of `fetch`.
  channel('net.client.socket').subscribe((message) => {
    const { socket } = v.parse(messageSchema, message);
    const flows = open.get(owner()) ?? new Set();
    open.set(owner(), flows.add(socket));
    socket.once('close', () => flows.delete(socket));
  });

  return {
    drop(gone) {
      const flows = [...(open.get(gone) ?? [])].filter(({ destroyed }) => !destroyed);
      for (const socket of flows) dropped.add(socket);
      return flows.flatMap(({ localPort }) => localPort ?? []);
    },
    isDropped: (socket) => socket instanceof Socket && dropped.has(socket),
    forget: (gone) => void open.delete(gone),
  };
}
