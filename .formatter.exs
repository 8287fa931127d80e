[
  inputs: [
    "{mix,.formatter}.exs",
    "{config,lib,test,bench,rel}/**/*.{ex,exs}",
    "examples/**/mix.exs",
    "examples/**/{config,lib}/*.{ex,exs}"
  ]
]
