"""A flow with code beside it, which is kept, and not read."""

from stepwell.flow import event, js, name, not_, or_, ref, workflow

LIMIT = 2


def unused() -> int:
    return LIMIT + 1


with workflow("Left alone") as flow:
    # A constant stands for its value; `item` is the loop's.
    order = flow.step("Read order", js("return { items: event.payload, paid: event.payload.length > 1 };"))
    with flow.for_each("Each item", ref(order).items) as each:
        flow.exit("Enough", name("i") == LIMIT)
        flow.step("Count", js("return item * 2;"))
    with flow.branch("Paid?") as paid:
        with paid.when(ref(order).paid == True):  # noqa: E712
            ship = flow.step("Ship", js("return `shipped ${{{each_item.results}}.length}`;"))
        with paid.otherwise():
            flow.step("Remind", js("return 'reminded';"))
    with flow.branch("Empty?") as empty:
        with empty.when(not_(or_(event.payload.length, 0) > 0)):
            flow.step("Nothing", js("return 'nothing';"))
            flow.end()
        with empty.otherwise():
            pass
    flow.step("EXPORT_result", js("return [{{ship ?? null}}, {{read_order.items}}];"))
