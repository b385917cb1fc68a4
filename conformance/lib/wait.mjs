// SPDX-License-Identifier: MIT
// Waiting, always with a deadline and a message that names the missing event.

// Nothing that works takes this long, on any machine: this only ends hanging tests.
export const PATIENCE = 60000;

// Settles like `promise`, or fails after `ms` with a message that names `what`.
export function within(promise, what, ms = PATIENCE) {
  let timer;
  const deadline = new Promise((_, reject) => {
    const error = new Error(`timed out after ${ms} ms waiting for ${what}`);
    timer = setTimeout(() => reject(error), ms);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

// The arguments of the next `event` of `emitter`.
export function event(emitter, name, ms = PATIENCE) {
  let listener;
  const promise = new Promise((resolve) => {
    listener = (...args) => resolve(args);
    emitter.once(name, listener);
  });
  return within(promise, `event ${JSON.stringify(name)}`, ms).finally(() => emitter.off(name, listener));
}

// The next `count` occurrences of `event`, each as its argument list.
export function events(emitter, name, count, ms = PATIENCE) {
  const seen = [];
  let listener;
  const promise = new Promise((resolve) => {
    listener = (...args) => {
      seen.push(args);
      if (seen.length >= count) resolve(seen);
    };
    emitter.on(name, listener);
  });
  return within(promise, `${count} events ${JSON.stringify(name)}`, ms)
    .catch((error) => {
      error.message += ` (${seen.length} came)`;
      throw error;
    })
    .finally(() => emitter.off(name, listener));
}

// All arguments of the acknowledgement of one emit.
export function call(socket, name, ...args) {
  return within(
    new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(answer))),
    `the acknowledgement of ${JSON.stringify(name)}`,
  );
}

// The first argument of the acknowledgement of one emit.
export async function ask(socket, name, ...args) {
  const [first] = await call(socket, name, ...args);
  return first;
}

// Asks again and again until `accept` likes the answer. Each round is a round trip to the server,
// or at least a turn of the event loop, without which nothing would arrive.
export async function until(question, accept, what, ms = PATIENCE) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (accept(answer)) return answer;
    await new Promise(setImmediate);
    if (Date.now() > end) throw new Error(`${what} did not come within ${ms} ms; last: ${JSON.stringify(answer)}`);
  }
}
