from stepwell.flow import js, ref, workflow

with workflow("Not read") as flow:
    orders = flow.step("Orders", js("return [1, 2];"))
    for name in ["a", "b"]:
        flow.step(name, js("return 1;"))
    with flow.branch("Many?") as many:
        with many.when(ref(orders).length > 1 and ref(orders).length < 9):
            flow.step("Split", js("return {{orders}};"))
