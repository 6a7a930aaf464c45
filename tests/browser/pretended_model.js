// Runs a widget's module as anywidget does, in <main>, with a pretended model behind
// it. `values` are the traits; where the page has a function `kernel`, that decodes: it
// answers with images in base64, or with the text of an error.
async ([script, state, values]) => {
  const blob = new Blob([script], { type: "text/javascript" });
  const { default: widget } = await import(URL.createObjectURL(blob));
  const heard = [];
  const view = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const tell = (name, ...rest) => [...heard].forEach(([event, listener]) => event === name && listener(...rest));
  const model = {
    get: (name) => values[name],
    set: (name, value) => {
      if (values[name] === value) return;
      values[name] = value;
      tell(`change:${name}`);
    },
    save_changes: () => (window.saved = { ...values }),
    on: (event, listener) => heard.push([event, listener]),
    off: (event, listener) => heard.splice(heard.findIndex(([e, l]) => e === event && l === listener), 1),
    send: async (message) => {
      await null;
      if (message.kind === "state") return tell("msg:custom", { kind: "state", state }, []);
      const images = await window.kernel(message), { number } = message;
      if (typeof images === "string") return tell("msg:custom", { kind: "error", text: images }, []);
      tell("msg:custom", { kind: "images", number: number + 1, ms: 1 }, []); // another view's
      tell("msg:custom", { kind: "images", number, ms: 1 }, images.map(view));
    },
  };
  const el = document.querySelector("main");
  const close = await widget.render({ model, el });
  window.model = model;
  window.close_widget = () => (close(), heard.length);
}
