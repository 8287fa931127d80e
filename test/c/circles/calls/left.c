/* A planted circle: left calls right ... */
int left_first(int n);
int left_last(int n);
int right_middle(int n);

int left_first(int n)
{
    return right_middle(n) + 1;
}

int left_last(int n)
{
    return n;
}
