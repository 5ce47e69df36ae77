import { assertEquals } from "@std/assert";
import { OrderWitness } from "./order_witness.ts";

/** A witness that saw messages of line "all" of queue "q": `member at` began and settled, `member at!` failed, `member at…` is at work. */
function witness(...sightings: string[]): OrderWitness {
  const witness = new OrderWitness();
  for (const sighting of sightings) {
    const [, member, at, end] = sighting.match(/^(\w+) (\d+)(.?)$/)!;
    const seen = { member: member!, queue: "q", line: "all", at: Number(at) };
    witness.begin(seen);
    if (end !== "…") witness.end(seen, end !== "!");
  }
  return witness;
}

Deno.test("a witness finds no breach in an order kept over failures and hand-overs", () => {
  const { breaches, handOvers, repeats, settled } = witness("a 0", "a 1!", "a 1", "b 1", "b 2", "a 2", "a 3");
  assertEquals({ breaches, handOvers, repeats, settled }, {
    breaches: [],
    handOvers: 2,
    repeats: 2,
    settled: 4,
  });
});

Deno.test("a witness tells two at work, a skip, and a step back without a change of owner", () => {
  assertEquals(witness("a 0…", "b 0").breaches, [
    "b begins all 0 of q: a is at work",
    "b begins all 0 of q: 0 is at work",
  ]);
  assertEquals(witness("a 0", "a 2").breaches, ["a skips in all of q from 1 to 2"]);
  assertEquals(witness("a 0!", "a 1").breaches, ["a skips in all of q from 0 to 1"]);
  assertEquals(witness("a 0", "a 1", "a 0").breaches, ["a steps back in all of q from 1 to 0"]);
  assertEquals(witness("a 0", "a 0").breaches, ["a steps back in all of q from 0 to 0"]);
  assertEquals(witness("a 0", "b 0!", "b 0", "b 0").breaches, ["b steps back in all of q from 0 to 0"]);
  assertEquals(witness("a 0", "b 0!", "b 1").breaches, ["b skips in all of q from 0 to 1"]);
});

Deno.test("a queue that was assigned anew may step back in the hands of the same member", () => {
  const seen = witness("a 0", "a 1");
  seen.assigned("q");
  seen.begin({ member: "a", queue: "q", line: "all", at: 0 });
  assertEquals([seen.breaches, seen.repeats], [[], 1]);
});

Deno.test("what a former owner settled may fail in the hands of the next, and comes again", () => {
  assertEquals(witness("a 0", "a 1", "b 0!", "b 0", "b 1!", "b 1!", "b 1", "b 2").breaches, []);
});
