[
  inputs: ["{mix,.formatter}.exs", "{config,lib,test,bench,rel}/**/*.{ex,exs}"]
]
